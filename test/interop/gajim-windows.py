#!/usr/bin/python3
"""Gajim as in gajim-receiver.py, going through the search and the command window of a node.

usage: gajim-windows.py HOME JID PASSWORD HOST PORT FOLDER LISTEN NODE

What a person would type and click is set in the fields and done by the buttons of Gajim's own windows. Prints besides
`shown NAME` at each page, and then waits for a line before it goes on: for whoever takes pictures; at the end `done`.
"""
import os
import sys
import traceback
import importlib.util

NODE = sys.argv.pop(8)
HERE = os.path.dirname(os.path.abspath(__file__))
SPEC = importlib.util.spec_from_file_location("receiver", os.path.join(HERE, "gajim-receiver.py"))
receiver = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(receiver)


def widgets(parent, kind):
    """All widgets of a kind inside of `parent`, in their order."""
    from gi.repository import Gtk
    if isinstance(parent, kind):
        yield parent
    elif isinstance(parent, Gtk.Container):
        for child in parent.get_children():
            yield from widgets(child, kind)


def words(page):
    """The first field of the form: a grid names its children from the last to the first."""
    from gi.repository import Gtk
    return list(widgets(page, Gtk.Entry))[-1]


def shows(window, name):
    return window.get_current_page() == name


def steps():
    """Yields what has to hold before it goes on: a function, or a text to be told of."""
    from gajim.gtk.adhoc import AdHocCommands
    from gajim.gtk.component_search import ComponentSearch
    from gi.repository import Gtk

    search = ComponentSearch(receiver.ACCOUNT, NODE)
    yield lambda: shows(search, "form")
    words(search.get_page("form")).set_text("juliet")
    yield "search-form"
    search._on_button_clicked(search, "search")
    yield lambda: shows(search, "result")
    rows = [row[0] for row in search.get_page("result")._treeview.get_model()]
    receiver.say("found", sorted(rows))
    yield "search-result"
    search.destroy()

    commands = AdHocCommands(receiver.ACCOUNT, NODE)
    yield lambda: shows(commands, "commands")
    page = commands.get_page("commands")
    receiver.say("commands", [row[0] for row in page._store])
    page._treeview.get_selection().select_path(0)
    yield "commands"
    commands._on_button_clicked(commands, "execute")
    yield lambda: shows(commands, "stage")
    words(commands.get_page("stage")).set_text("juliet")
    yield "command-form"
    commands._on_button_clicked(commands, "next")
    yield lambda: shows(commands, "stage") and any(widgets(commands.get_page("stage"), Gtk.TreeView))
    tree = next(widgets(commands.get_page("stage"), Gtk.TreeView))
    receiver.say("offered in the window", sorted(row[0] for row in tree.get_model()))
    at = next(index for index, row in enumerate(tree.get_model()) if row[0].startswith("juliet.pdf"))
    tree._toggled(None, str(at))
    yield "command-files"
    commands._on_button_clicked(commands, "next")
    yield lambda: shows(commands, "completed")
    receiver.say("notes", [label.get_text() for label in commands.get_page("completed")._notes])
    yield "command-done"
    commands.destroy()
    yield from chat()
    receiver.say("done")


def chat():
    """Writes to the node in the chat of the main window."""
    from gajim.common import app, ged
    from nbxmpp.protocol import JID

    heard = []
    app.ged.register_event_handler("message-received", ged.GUI2, lambda event: heard.append(event.msgtxt))
    app.window.add_chat(receiver.ACCOUNT, JID.from_string(NODE), "contact", select=True)
    stack = app.window.get_chat_stack()
    yield lambda: stack._current_contact is not None and str(stack._current_contact.jid) == NODE
    for text in ("find juliet", "get 1"):
        count = len(heard)
        stack._message_action_box.msg_textview.insert_text(text)
        stack._on_send_message()
        yield lambda: len(heard) > count
        receiver.say(f"answer to {text}:", repr(heard[count]))
        yield "chat" if text.startswith("find") else "chat-offer"
    yield lambda: heard[-1].startswith("You have ")
    receiver.say("last", heard[-1])
    yield "chat-end"


class Walk:
    """Goes from step to step; called again and again by the main loop."""

    def __init__(self):
        self.steps, self.until = steps(), None

    def go(self):
        try:
            return self.look()
        except BaseException:  # Gajim would show it in a window
            traceback.print_exc()
            os._exit(1)

    def look(self):
        if isinstance(self.until, str):
            return True
        if self.until is not None and not self.until():
            return True
        return self.next()

    def next(self):
        from gi.repository import GLib
        try:
            self.until = next(self.steps)
        except StopIteration:
            return False
        if isinstance(self.until, str):
            # What was set is drawn first.
            GLib.timeout_add(300, lambda: receiver.say("shown", self.until) and False)
            GLib.io_add_watch(sys.stdin.fileno(), GLib.IO_IN, self.told)
        return True

    def told(self, *_):
        sys.stdin.readline()
        self.until = None
        return False


def begin():
    if receiver.watch():
        return True
    from gi.repository import GLib
    GLib.timeout_add(100, Walk().go)
    return False


if __name__ == "__main__":
    receiver.run(begin)
