"""An agent's desktop in plain Tkinter: ``python tk_window.py`` shows two of them."""

import tkinter as tk
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue

import sms_transfer as sms


class Desk(tk.Frame):
    """What one agent sees: it is told of every change, and draws what the workspace holds then."""

    def __init__(self, window: tk.Tk | tk.Toplevel, service: sms.TransferService, agent_id: str) -> None:
        super().__init__(window)
        self.service, self.me, self.to, self.refusal = service, agent_id, tk.Entry(window), tk.Label(window)
        for part in (self.refusal, self.to, self):  # no variables of Tk's: they break when another thread collects them
            part.pack()
        self.changes: SimpleQueue[Callable[[], None]] = SimpleQueue()  # for Tk's own thread: no other may call it
        self.workspace = sms.Workspace(agent_id, self)
        self.connection = service.connect(self.workspace, dispatch=self.changes.put)
        self.timer = self.after_idle(self._look)
        self.bind("<Destroy>", lambda _: self.connection.close())
        self.bind("<Destroy>", lambda _: self.after_cancel(self.timer), "+")

    def _look(self) -> None:
        while not self.changes.empty():
            self.changes.get()()
            self._draw()
        self.timer = self.after(50, self._look)

    def told(self, *_: object, **__: object) -> None:
        """Nothing is to be done: `_look` draws it."""

    open_window = update_window = close_window = show_preview = dismiss_preview = show_error = show_message = told

    def _draw(self) -> None:
        for child in self.winfo_children():
            child.destroy()
        for id_, offer in self.workspace.previews.items():
            reject = {"reject": partial(self.service.reject, id_, by=self.me)} if offer.can_reject else {}
            self._box(offer.text, accept=partial(self.service.accept, id_, by=self.me), **reject)
        for window in self.workspace.windows.values():
            lines = [window.error.text if window.error else "", window.interaction.contact.label]
            lines += [f"Waiting for {window.pending.to}"] if window.pending else []
            texts = "\n".join([*lines, *[one.text for one in window.transcript]])
            self._box(texts, transfer=partial(self._move, window))
        for message in self.workspace.my_messages:
            self._box(f"My Messages: {message.text}")

    def _box(self, text: str, **calls: Callable[[], object]) -> None:
        tk.Label(self, text=text, justify="left", wraplength=400).pack(anchor="w")
        for name, call in calls.items():
            tk.Button(self, name=name, text=name.title(), command=partial(self._press, call)).pack(anchor="w")

    def _move(self, window: sms.InteractionWindow) -> None:
        now, target = window.interaction, sms.Target.agent(self.to.get())
        self.service.request_transfer(now.id, target, by=self.me, epoch=now.epoch)

    def _press(self, call: Callable[[], object]) -> None:
        try:
            self.refusal["text"] = ""
            call()
        except sms.SmsTransferError as refusal:
            self.refusal["text"] = " ".join(notice.text for notice in sms.explain_refusal(refusal))


if __name__ == "__main__":
    service, root = sms.TransferService(), tk.Tk()
    for agent_id, window in (("alice", root), ("bob", tk.Toplevel(root))):
        service.add_agent(sms.Agent(agent_id, agent_id.title(), status=sms.ChannelStatus.READY))
        Desk(window, service, agent_id)
    jane = sms.Contact("+14155550123", name="Jane Roe")
    service.open_interaction(sms.Interaction("sms-1", media=sms.Media.SMS, contact=jane, owner="alice"))
    with service.ticking():
        root.mainloop()
