"""The pure core: what is, what can be asked, what happened, and the one function that decides.

Nothing in here reads a clock, makes an id, does I/O or logs. Import the models and errors from `sms_transfer`.
"""
