#!/usr/bin/env python3
"""Runs commands of a node as a client does, with the workflow of slixmpp's plugin for XEP-0050, and says what came of them.

usage: owner-client.py JID PASSWORD HOST PORT NODE < COMMANDS

COMMANDS is a JSON list of {"command": NAME, "steps": [[ACTION, {FIELD: VALUE, …}], …]}. A JSON list goes out: for each the
last page as {"status", "notes", "options", "rows"}, and the names of all commands that there are before them.
"""
import asyncio
import json
import sys

import slixmpp

WAIT = 20


def page(iq):
    if iq["type"] == "error":
        return {"status": iq["error"]["condition"], "notes": []}
    command = iq["command"]
    said = {"status": command["status"], "notes": [list(note) for note in command["notes"]]}
    form = command.xml.find("{jabber:x:data}x")
    if form is not None:
        form = command["form"]
        said["options"] = {
            name: [option["label"] for option in field["options"]]
            for name, field in form.get_fields().items()
            if field["type"].startswith("list-")
        }
        said["rows"] = [dict(item) for item in form["items"]]
    return said


class Client(slixmpp.ClientXMPP):
    def __init__(self, jid, password, node, commands):
        super().__init__(jid, password)
        self.node, self.commands, self.said = node, commands, []
        for plugin in ("0004", "0030", "0050"):
            self.register_plugin("xep_" + plugin)
        self.add_event_handler("session_start", self.begin)
        self.over = asyncio.get_event_loop().create_future()

    async def begin(self, _):
        try:
            self.send_presence()
            menu = (await self["xep_0050"].get_commands(self.node, timeout=WAIT))["disco_items"]
            self.said.append(sorted(each[1] for each in menu["items"]))
            for each in self.commands:
                self.said.append(await self.run(each["command"], each.get("steps", [])))
            self.over.set_result(None)
        except Exception as error:  # told to the test
            self.over.set_exception(error)

    async def run(self, command, steps):
        plugin = self["xep_0050"]
        pages = asyncio.Queue()
        heard = lambda iq, session: pages.put_nowait(iq)
        session = {"next": heard, "error": heard}
        plugin.start_command(jid=self.node, node=command, session=session)
        iq = await asyncio.wait_for(pages.get(), WAIT)
        for action, values in steps:
            if iq["type"] == "error" or iq["command"]["status"] != "executing":
                break
            form = self["xep_0004"].make_form(ftype="submit")
            for name, value in values.items():
                form.add_field(var=name, value=value)
            session["payload"] = form
            if action == "complete":
                plugin.complete_command(session)
            else:
                plugin.continue_command(session, direction=action)
            iq = await asyncio.wait_for(pages.get(), WAIT)
        return page(iq)


async def main(jid, password, host, port, node):
    client = Client(jid, password, node, json.load(sys.stdin))
    client.connect((host, int(port)), disable_starttls=True, force_starttls=False, use_ssl=False)
    await asyncio.wait_for(client.over, 60)
    print(json.dumps(client.said))
    await client.disconnect()


if __name__ == "__main__":
    if len(sys.argv) != 6:
        raise SystemExit(__doc__)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(main(*sys.argv[1:]))
