"""Coverage-guided fuzzing of what strangers reach: the codec, and every public method of the service.

``python -m fuzz codec`` and ``python -m fuzz service`` run for a bounded time under Atheris, which sees which lines and
branches of the library an input reaches, and makes new inputs of those that reached new ones. A target is a function of
bytes that raises where a promise is broken, so it can be run without Atheris, too: `tests/test_fuzz.py` does.
"""
