"""The interface of the HPO chapters of *Dive into Deep Learning*, for code written against them.

The chapters' code runs here with its import changed to `from benchmark import book as d2l`. Networks and trainer are
plain torch and draw from its global generator, as the book's do; the tuner drives the same loop as a suite does and
stores nothing.
"""

from benchmark.book.data import DataModule, FashionMNIST
from benchmark.book.hyperparameters import HyperParameters, add_to_class
from benchmark.book.module import Classification, Classifier, Module
from benchmark.book.networks import DropoutMLP, LeNet, SoftmaxClassification, SoftmaxRegression, init_cnn
from benchmark.book.progress_board import ProgressBoard, plt, set_figsize, use_svg_display
from benchmark.book.schedulers import BasicScheduler, HPOScheduler
from benchmark.book.searchers import HPOSearcher, RandomSearcher
from benchmark.book.trainer import HPOTrainer, Trainer, numpy
from benchmark.book.tuner import HPOTuner, Tuner

__all__ = [
    "BasicScheduler",
    "Classification",
    "Classifier",
    "DataModule",
    "DropoutMLP",
    "FashionMNIST",
    "HPOScheduler",
    "HPOSearcher",
    "HPOTrainer",
    "HPOTuner",
    "HyperParameters",
    "LeNet",
    "Module",
    "ProgressBoard",
    "RandomSearcher",
    "SoftmaxClassification",
    "SoftmaxRegression",
    "Trainer",
    "Tuner",
    "add_to_class",
    "init_cnn",
    "numpy",
    "plt",
    "set_figsize",
    "use_svg_display",
]
