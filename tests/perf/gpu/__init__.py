"""The GPU's kernels: measured on a device, and compiled and priced without one."""
