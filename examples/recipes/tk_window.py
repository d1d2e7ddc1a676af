"""Alice's and Bob's desktops, in plain Tkinter. Run it with ``python tk_window.py``."""

import tkinter as tk
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue

import sms_transfer as sms

Work = Callable[[], object]


class Desk(tk.Frame):
    """What one agent sees, and what the buttons do: a `sms_transfer.ports.UserInterface`."""

    def __init__(
        self, parent: tk.Tk | tk.Toplevel, service: sms.TransferService, agent_id: str, dispatch: Callable[[Work], None]
    ) -> None:
        super().__init__(parent)
        self.service, self.agent_id, self.boxes = service, agent_id, dict[str, tk.LabelFrame]()
        self.refusal = tk.Label(self, fg="red4")
        self.refusal.pack(anchor="w")
        self.pack(fill="x", padx=8, pady=8)
        self.workspace = sms.Workspace(agent_id, self)
        connection = service.connect(self.workspace, dispatch=dispatch)
        self.bind("<Destroy>", lambda _: connection.close())

    def box(self, key: str, title: str, text: str, **buttons: Work) -> None:
        """Something to read, and something to press."""
        self.close_window(key)
        box = self.boxes[key] = tk.LabelFrame(self, text=title, padx=8, pady=8)
        tk.Label(box, name="error", fg="red4").pack(anchor="w")
        tk.Label(box, name="text", text=text, justify="left", wraplength=400).pack(anchor="w")
        for name, work in buttons.items():
            tk.Button(box, name=name, text=name.title(), command=partial(self.press, work)).pack(side="left")
        box.pack(fill="x")

    def press(self, work: Work) -> None:
        """Do it, or show above everything why it is refused."""
        self.refusal["text"] = ""
        try:
            work()
        except sms.SmsTransferError as refusal:
            self.refusal["text"] = refusal

    def open_window(self, window: sms.InteractionWindow) -> None:
        """A conversation of the agent's; what they do in it, they do as the owner it shows (`epoch`)."""

        def transfer() -> None:
            epoch = self.workspace.windows[id_].interaction.epoch
            self.service.request_transfer(id_, sms.Target.agent(to.get()), by=self.agent_id, epoch=epoch)

        id_, to = window.interaction.id, tk.StringVar(self)
        self.box(id_, window.interaction.contact.label, "", transfer=transfer)
        tk.Entry(self.boxes[id_], name="to", textvariable=to).pack(side="left")
        self.update_window(window)

    def update_window(self, window: sms.InteractionWindow) -> None:
        """Its texts and whom it waits for, the error on top; what the agent is typing stays."""
        contact, parts = window.interaction.contact, self.boxes[window.interaction.id].children
        lines = [f"{one.sender or contact.label}: {one.text}" for one in window.transcript]
        lines += [f"Waiting for {window.pending.to}"] if window.pending else []
        parts["text"]["text"] = "\n".join(lines)
        parts["error"]["text"] = window.error.text if window.error else ""
        parts["transfer"]["state"] = "normal" if window.can_transfer and not window.pending else "disabled"

    def close_window(self, key: str, /) -> None:
        """Take a conversation away, or whatever has a box."""
        if key in self.boxes:
            self.boxes.pop(key).destroy()

    def show_preview(self, preview: sms.InteractionPreview) -> None:
        """An offer."""
        answers: dict[str, Work] = {"accept": partial(self.service.accept, preview.invitation_id, by=self.agent_id)}
        if preview.can_reject:
            answers["reject"] = partial(self.service.reject, preview.invitation_id, by=self.agent_id)
        self.box(preview.invitation_id, "Offer", preview.text, **answers)

    dismiss_preview = close_window

    def show_error(self, interaction_id: str, notice: sms.Notice) -> None:
        """The same that `update_window` shows."""
        self.boxes[interaction_id].children["error"]["text"] = notice.text

    def show_message(self, message: sms.SystemMessage) -> None:
        """An entry of My Messages."""
        self.box(message.id, "My Messages", message.text)


def dispatcher(root: tk.Tk) -> Callable[[Work], None]:
    """Have work done in Tk's own thread. No call of Tk's, even `after`, is safe from another one in every build."""
    waiting: SimpleQueue[Work] = SimpleQueue()

    def look() -> None:
        root.after(50, look)
        while not waiting.empty():
            waiting.get()()

    look()
    return waiting.put


def main() -> None:
    """Two agents, and a conversation."""
    service, root = sms.TransferService(), tk.Tk()
    dispatch = dispatcher(root)
    for agent_id, parent in (("alice", root), ("bob", tk.Toplevel(root))):
        service.add_agent(sms.Agent(agent_id, agent_id.title(), status=sms.ChannelStatus.READY))
        Desk(parent, service, agent_id, dispatch)
        parent.title(agent_id)
    jane = sms.Contact("+14155550123", name="Jane Roe")
    service.open_interaction(sms.Interaction("sms-1", media=sms.Media.SMS, contact=jane, owner="alice"))
    service.receive_message("sms-1", "Hello, my boiler is out.")
    with service.ticking():
        root.mainloop()


if __name__ == "__main__":
    main()
