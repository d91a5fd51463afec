"""The Execution Evidence Gate: nothing runs in production that was never seen running before."""
