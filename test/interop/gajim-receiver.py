#!/usr/bin/python3
"""Gajim, whole, with its windows, except that it says yes to every file that it is offered.

usage: gajim-receiver.py HOME JID PASSWORD HOST PORT FOLDER LISTEN

Prints `ready` when it has logged in, `offered NAME` and `completed NAME`. What is clicked in its window, to
accept a file into FOLDER, is called here instead.
"""
import os
import sys
import traceback

HOME, JID, PASSWORD, HOST, PORT, FOLDER, LISTEN = sys.argv[1:8]
CONFIG = os.path.join(HOME, "gajim")
USER, DOMAIN = JID.split("@")
ACCOUNT = "tester"
SETTINGS = {
    "name": USER, "hostname": DOMAIN, "password": PASSWORD, "savepass": True, "resource": "gajim",
    "active": True, "autoconnect": True, "confirm_unencrypted_connection": False,
    "use_custom_host": True, "custom_host": HOST, "custom_port": int(PORT), "custom_type": "PLAIN",
    "anonymous_auth": False,
}


def write_settings():
    from gajim.common import configpaths
    from gajim.common.settings import Settings
    configpaths.set_separation(True)
    configpaths.set_config_root(CONFIG)
    configpaths.init()
    os.makedirs(CONFIG, exist_ok=True)
    settings = Settings()
    settings.init()
    settings.set_app_setting("use_keyring", False)
    # Two of them on one machine would share a port, and each take the connections that are for the other.
    settings.set_app_setting("file_transfers_port", int(LISTEN))
    settings.add_account(ACCOUNT)
    for key, value in SETTINGS.items():
        settings.set_account_setting(ACCOUNT, key, value)
    settings.shutdown()


def mend():
    """Gajim 1.7.3 makes the content of every incoming offer without the properties of the file, and fails."""
    from gajim.common.file_props import FilesProp
    from gajim.common.jingle_ft import JingleFileTransfer
    plain, make = JingleFileTransfer.__init__, FilesProp.getNewFileProp

    def properties(account, sid):
        return FilesProp.getFileProp(account, sid) or make(account, sid)

    def init(self, session, file_props=None, transport=None, senders=None):
        props = file_props or properties(session.connection.name, session.sid)
        plain(self, session, props, transport, senders)

    FilesProp.getNewFileProp = staticmethod(properties)
    JingleFileTransfer.__init__ = init


def say(*words):
    print(*words, flush=True)


def watch():
    """Called again until it says that it is done."""
    from gajim.common import app, ged
    if app.interface is None or "file_transfers" not in getattr(app.interface, "instances", {}):
        return True
    if not app.account_is_connected(ACCOUNT):
        return True
    mend()
    app.ged.register_event_handler("file-request-received", ged.GUI2, accept)
    app.ged.register_event_handler("file-completed", ged.GUI2, completed)
    say("ready")
    return False


def accept(event):
    from gi.repository import GLib
    say("offered", event.file_props.name)
    # As a person would: when it has done with the offer. Earlier, its acceptance is now and then lost.
    GLib.timeout_add(500, take, event)


def take(event):
    from gajim.common import app
    props = event.file_props
    contact = app.get_client(event.account).get_module("Contacts").get_contact(event.jid)
    transfers = app.interface.instances["file_transfers"]
    transfers._start_receive(os.path.join(FOLDER, os.path.basename(props.name)), event.account, contact, props)
    return False


def completed(event):
    say("completed", event.file_props.name)


def run(begin):
    """`begin` is called again and again until it says that it is done."""
    child = os.fork()
    if child == 0:
        try:
            write_settings()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0:
        raise SystemExit("no settings")
    os.geteuid = lambda: 1000  # it refuses to run as root, which in a test machine's container one may be
    import gi
    gi.require_version("GLib", "2.0")
    gi.require_version("Gdk", "3.0")
    from gi.repository import GLib
    GLib.timeout_add(200, begin)
    sys.argv = ["gajim", "-s", "-c", CONFIG, "-l", "gajim.c.jingle=DEBUG"]
    from gajim.gajim import main
    sys.exit(main())


if __name__ == "__main__":
    run(watch)
