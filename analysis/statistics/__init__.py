"""Statistics of paired runs: functions of arrays that know nothing of suites."""
