"""The parts of `answerdesk bench`: each measures some figures beside their baselines."""
