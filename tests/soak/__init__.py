"""Long runs of promises that the tests check in short; see docs/reliability.md."""
