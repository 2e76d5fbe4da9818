"""What makes a results folder of studies: their places in a suite, their records, its plan and its ledgers."""
