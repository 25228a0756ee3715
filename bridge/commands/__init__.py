"""The commands of `vqss`, one module each: `add_arguments(parser)` and `run(arguments) -> exit code`."""
