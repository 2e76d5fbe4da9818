"""The black-box optimization benchmarks of COCO, through its package `coco-experiment`."""
