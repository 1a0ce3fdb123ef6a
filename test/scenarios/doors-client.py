#!/usr/bin/env python3
"""Goes through the doors of a node as a client does, with the plugins of slixmpp alone, and says what it was told.

usage: doors-client.py JID PASSWORD HOST PORT NODE

One JSON object goes out: what each door answered.
"""
import asyncio
import json
import sys

import slixmpp
from slixmpp.exceptions import IqError

WAIT = 15


def fields(form):
    return {name: field["value"] for name, field in form.get_fields().items()}


def rows(form):
    reported = list(form["reported"].keys()) if form["reported"] else []
    return reported, [dict(item) for item in form["items"]]


class Client(slixmpp.ClientXMPP):
    def __init__(self, jid, password, node):
        super().__init__(jid, password)
        self.node, self.said = node, {}
        for plugin in ("0004", "0030", "0050", "0054", "0055", "0059", "0092", "0128", "0199", "0202"):
            self.register_plugin("xep_" + plugin)
        self.add_event_handler("session_start", self.begin)
        self.over = asyncio.get_event_loop().create_future()

    async def begin(self, _):
        try:
            self.send_presence()
            for name in ("discovery", "search", "find_command", "faults", "browse_command"):
                self.said[name] = await getattr(self, name)()
            self.over.set_result(None)
        except Exception as error:  # told to the test
            self.over.set_exception(error)

    async def discovery(self):
        disco = self["xep_0030"]
        info = (await disco.get_info(jid=self.node, timeout=WAIT))["disco_info"]
        top = (await disco.get_items(jid=self.node, timeout=WAIT))["disco_items"]
        root = (await disco.get_items(jid=self.node, node="files", timeout=WAIT))["disco_items"]
        files = (await disco.get_items(jid=self.node, node="files/books", timeout=WAIT))["disco_items"]
        one = (await disco.get_info(jid=self.node, node="files/books/romeo.txt", timeout=WAIT))["disco_info"]
        version = (await self["xep_0092"].get_version(self.node, timeout=WAIT))["software_version"]
        time = (await self["xep_0202"].get_entity_time(self.node, timeout=WAIT))["entity_time"]
        vcard = (await self["xep_0054"].get_vcard(self.node, timeout=WAIT))["vcard_temp"]
        ping = await self["xep_0199"].ping(self.node, timeout=WAIT)
        return {
            "identities": [list(each) for each in info["identities"]],
            "features": sorted(info["features"]),
            "statistics": {name: info["form"].get_fields()[name]["value"] for name in ("files", "bytes", "channels")},
            "top": sorted(each[1] for each in top["items"]),
            "files": sorted(each[1] for each in root["items"]),
            "books": sorted(each[2] for each in files["items"]),
            "romeo": {name: field["value"] for name, field in one["form"].get_fields().items()},
            "version": version["name"],
            # What slixmpp makes of it is wrong: it adds a second Z.
            "time": time.xml.findtext("{urn:xmpp:time}utc"),
            "vcard": [vcard["FN"], vcard["DESC"], vcard["PHOTO"]["TYPE"], len(vcard["PHOTO"]["BINVAL"])],
            "ping": ping >= 0,
        }

    async def search(self):
        iq = self.make_iq_get(queryxmlns="jabber:iq:search", ito=self.node)
        form = (await iq.send(timeout=WAIT))["search"]["form"]
        asked = self.make_iq_set(ito=self.node)
        asked["search"]["form"]["type"] = "submit"
        asked["search"]["form"].add_field(var="FORM_TYPE", ftype="hidden", value="jabber:iq:search")
        asked["search"]["form"].add_field(var="text", value="romeo")
        asked["search"]["form"].add_field(var="kind", value="document")
        found = (await asked.send(timeout=WAIT))["search"]["form"]
        reported, items = rows(found)
        return {
            "types": {name: field["type"] for name, field in form.get_fields().items()},
            "title": found["title"],
            "reported": reported,
            "items": items,
        }

    async def command(self, node, action="execute", sessionid=None, values=None):
        iq = self.make_iq_set(ito=self.node)
        iq["command"]["node"] = node
        iq["command"]["action"] = action
        if sessionid is not None:
            iq["command"]["sessionid"] = sessionid
        if values is not None:
            iq["command"]["form"]["type"] = "submit"
            for name, value in values.items():
                iq["command"]["form"].add_field(var=name, value=value)
        return (await iq.send(timeout=WAIT))["command"]

    async def find_command(self):
        menu = (await self["xep_0050"].get_commands(self.node, timeout=WAIT))["disco_items"]
        first = await self.command("find")
        second = await self.command("find", "next", first["sessionid"], {"text": "juliet"})
        options = second["form"].get_fields()["files"]["options"]
        back = await self.command("find", "prev", first["sessionid"])
        again = await self.command("find", "next", first["sessionid"], {"text": "romeo"})
        canceled = await self.command("find", "cancel", first["sessionid"])
        return {
            "menu": [[each[1], each[2]] for each in sorted(menu["items"])],
            "first": [first["status"], sorted(first["actions"])],
            "second": [second["status"], sorted(second["actions"]), [each["label"] for each in options]],
            "back": fields(back["form"])["text"],
            "again": len(again["form"].get_fields()["files"]["options"]),
            "canceled": canceled["status"],
        }

    async def faults(self):
        said = {}
        first = await self.command("find")
        wrong = await self.command("find", "next", first["sessionid"], {"size-min": "much"})
        nothing = await self.command("find", "next", first["sessionid"], {"text": "mercutio"})
        said["wrong"] = [wrong["status"], wrong["notes"]]
        said["nothing"] = [nothing["status"], nothing["notes"]]
        for name, arguments in {
            "first back": ("find", "prev", first["sessionid"]),
            "no session": ("find", "next", "nonsense"),
            "not for us": ("rescan",),
            "not there": ("nonsense",),
        }.items():
            try:
                await self.command(*arguments)
                said[name] = "answered"
            except IqError as error:
                said[name] = error.iq["error"]["condition"]
        return said

    async def browse_command(self):
        shares = await self.command("browse")
        inside = await self.command("browse", "next", shares["sessionid"], {"folder": "books"})
        deeper = await self.command("browse", "next", shares["sessionid"], {"folder": "books/plays"})
        return {
            "shares": [each["value"] for each in shares["form"].get_fields()["folder"]["options"]],
            "inside": [each["label"] for each in inside["form"].get_fields()["files"]["options"]],
            "deeper": [each["label"] for each in deeper["form"].get_fields()["files"]["options"]],
        }


async def main(jid, password, host, port, node):
    client = Client(jid, password, node)
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
