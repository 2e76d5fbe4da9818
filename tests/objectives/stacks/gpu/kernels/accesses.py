"""Watches every load, store and atomic of Triton's interpreter: whose memory it is, and who else uses it."""

from collections import Counter
from contextlib import contextmanager
from unittest import mock

import numpy as np
import triton.language as tl
from triton.runtime import interpreter

SHARED = {"images", "labels"}
"""Tensors that all slots read; of all others the first dimension counts slots, lanes or trials."""


class Memory:
    """A tensor of a launch, with the program that wrote each element and two programs that read it (-1: none)."""

    def __init__(self, name, tensor):
        self.name, self.item = name, tensor.element_size()
        self.begin, self.count = tensor.data_ptr(), tensor.numel()
        self.parts = 1 if name in SHARED or tensor.dim() == 0 else len(tensor)
        self.floating = tensor.is_floating_point()
        self.writer, self.reader, self.other_reader = (np.full(self.count, -1, dtype=np.int32) for _ in range(3))
        self.added = np.zeros(self.count, dtype=bool)

    def elements(self, address):
        """Numbers of the elements at those of the addresses that lie in the tensor, and which these are."""
        offset = address - self.begin
        inside = (offset >= 0) & (offset < self.count * self.item)
        return offset[inside] // self.item, inside

    def read(self, element, program):
        fresh = self.reader[element] < 0
        other = ~fresh & (self.reader[element] != program)
        self.reader[element[fresh]], self.other_reader[element[other]] = program, program

    def is_contested(self):
        """Whether an element was written by one program and read by another."""
        read_elsewhere = [(reader >= 0) & (reader != self.writer) for reader in (self.reader, self.other_reader)]
        return bool(((self.writer >= 0) & (read_elsewhere[0] | read_elsewhere[1])).any())


class Accesses:
    """What was accessed, launch by launch.

    Attributes:
        problems: each once: kernel, tensor, what is wrong.
        kernels: launches by kernel.
        accesses: elements loaded, stored or added to.
    """

    def __init__(self):
        self.problems, self.kernels, self.accesses = set(), Counter(), 0
        self.kernel, self.memories, self.program, self.parts = "", [], -1, {}

    def begin_launch(self, executor, arguments, keywords):
        self.kernel, self.program, self.parts = executor.fn.__name__, -1, {}
        self.kernels[self.kernel] += 1
        named = {**dict(zip(executor.arg_names, arguments, strict=False)), **keywords}
        places = {}
        for name, value in named.items():
            if hasattr(value, "data_ptr") and value.numel():
                places.setdefault((value.data_ptr(), value.numel()), Memory(name, value))
        self.memories = list(places.values())

    def begin_program(self):
        self.end_program()
        self.program += 1

    def end_program(self):
        """A program stays in one part of every tensor, and in one slot of all tensors that have as many parts."""
        for memory, parts in self.parts.items():
            if len(parts) > 1:
                self.report(memory.name, "several slots in one program")
        self.parts = {}

    def end_launch(self):
        self.end_program()
        for memory in self.memories:
            if memory.is_contested():
                self.report(memory.name, "read by one program, written by another")
        self.memories = []

    def access(self, kind, pointers, mask):
        """Note an access, and return a mask without what lies outside every tensor: it is not carried out."""
        every = np.asarray(pointers.data).astype(np.int64).reshape(-1)
        wanted = np.broadcast_to(np.asarray(mask.data, dtype=bool).reshape(-1), every.shape)
        address = every[wanted]
        self.accesses += address.size
        for memory in self.memories:
            element, inside = memory.elements(address)
            address = address[~inside]
            if element.size:
                self.parts.setdefault(memory, set()).update(np.unique(element * memory.parts // memory.count).tolist())
                getattr(self, kind)(memory, element)
        if not address.size:
            return mask
        self.report(kind, "outside every tensor")
        allowed = wanted & ~np.isin(every, address)
        return interpreter.TensorHandle(allowed.reshape(np.shape(pointers.data)), tl.int1)

    def load(self, memory, element):
        memory.read(element, self.program)

    def store(self, memory, element):
        if np.unique(element).size < element.size:
            self.report(memory.name, "stored twice by one program")
        written = memory.writer[element]
        if (memory.added[element] | ((written >= 0) & (written != self.program))).any():
            self.report(memory.name, "written by two programs")
        memory.writer[element] = self.program

    def add(self, memory, element):
        """An atomic addition: of integers in any order, but with nothing else at the same element."""
        if memory.floating:
            self.report(memory.name, "an atomic addition of floats")
        if ((memory.writer[element] >= 0) | (memory.reader[element] >= 0)).any():
            self.report(memory.name, "added to and used otherwise")
        memory.added[element] = True

    def report(self, name, what):
        self.problems.add((self.kernel, name, what))


@contextmanager
def watched():
    """Watch all launches of the interpreter; the values that they compute are unchanged."""
    found = Accesses()
    executor, builder = interpreter.GridExecutor, interpreter.InterpreterBuilder
    load, store, add = builder.create_masked_load, builder.create_masked_store, builder.create_atomic_rmw
    init, restore, program = executor._init_args_hst, executor._restore_args_dev, builder.set_grid_idx

    def begin(self, arguments, keywords):
        copied = init(self, arguments, keywords)
        found.begin_launch(self, *copied)
        return copied

    def end(self, *arguments):
        found.end_launch()
        return restore(self, *arguments)

    def next_program(self, *index):
        found.begin_program()
        return program(self, *index)

    def watched_load(self, pointers, mask, *rest):
        return load(self, pointers, found.access("load", pointers, mask), *rest)

    def watched_store(self, pointers, value, mask, *rest):
        return store(self, pointers, value, found.access("store", pointers, mask), *rest)

    def watched_add(self, operation, pointers, value, mask, *rest):
        return add(self, operation, pointers, value, found.access("add", pointers, mask), *rest)

    with (
        mock.patch.multiple(executor, _init_args_hst=begin, _restore_args_dev=end),
        mock.patch.multiple(
            builder,
            set_grid_idx=next_program,
            create_masked_load=watched_load,
            create_masked_store=watched_store,
            create_atomic_rmw=watched_add,
        ),
    ):
        yield found
