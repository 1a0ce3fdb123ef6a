#!/usr/bin/env python3
"""Somebody who chats, on slixmpp and its plugins for chat states (XEP-0085) and receipts (XEP-0184).

usage: chat-client.py JID PASSWORD HOST PORT files|no-files

Commands come as JSON, one a line:
  {"do": "say", "to": JID, "text": TEXT}          as a chat, with the state 'active' and asking for a receipt
  {"do": "send", "xml": XML}                      a stanza as it is
  {"do": "take", "file": PATH}                    the next offer by Jingle is taken into this file
  {"do": "start", "to": JID, "id": ID}            XEP-0358
Whatever happens goes out the same way: {"body": …}, {"state": …}, {"receipt": ID}, {"taken": {…}}, {"sid": …}, {"error": …}.
"""
import asyncio
import importlib.util
import json
import os
import sys
from xml.etree import ElementTree as ET

PEER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop", "slixmpp-peer.py")
spec = importlib.util.spec_from_file_location("slixmpp_peer", PEER)
peer = importlib.util.module_from_spec(spec)
spec.loader.exec_module(peer)

OOB = "jabber:x:oob"
JINGLEPUB = "urn:xmpp:jinglepub:1"


class Chatter(peer.Peer):
    def __init__(self, jid, password, takes_files):
        super().__init__(jid, password)
        for plugin in ("xep_0085", "xep_0184"):
            self.register_plugin(plugin)
        if not takes_files:
            for feature in (peer.JINGLE, peer.FT, peer.S5B, peer.IBB):
                self["xep_0030"].del_feature(feature=feature)
        self.add_event_handler("message", self.on_message)
        self.add_event_handler("receipt_received", lambda each: peer.say(receipt=each["receipt"]))
        for state in ("composing", "paused"):
            self.add_event_handler(f"chatstate_{state}", lambda each: peer.say(state=each["chat_state"]))

    def on_message(self, message):
        if not message["body"]:
            return
        url = message.xml.findtext(f"{{{OOB}}}x/{{{OOB}}}url")
        peer.say(body=message["body"], sender=str(message["from"]), type=message["type"],
                 thread=message["thread"], chat_state=message["chat_state"], url=url)

    async def perform(self, command):
        if command["do"] == "say":
            message = self.make_message(mto=command["to"], mbody=command["text"], mtype="chat")
            message["chat_state"] = "active"
            message["request_receipt"] = True
            message["thread"] = "t1"
            message.send()
            peer.say(sent=message["id"])
        elif command["do"] == "send":
            self.send_raw(command["xml"])
        elif command["do"] == "take":
            self.armed.append(({"do": "receive", "reach": "open", "file": command["file"]}, "taken"))
        elif command["do"] == "start":
            iq = self.make_iq(ito=command["to"], itype="get")
            iq.append(ET.fromstring(f"<start xmlns='{JINGLEPUB}' id={peer.quoteattr(command['id'])}/>"))
            result = await iq.send(timeout=peer.WAIT)
            peer.say(sid=result.xml.find(f"{{{JINGLEPUB}}}starting").get("sid"))


async def perform(chatter, command):
    try:
        await chatter.perform(command)
    except peer.slixmpp.exceptions.IqError as error:
        peer.say(error=error.condition)
    except Exception as error:  # whatever it is, the test is told
        peer.say(error=f"{type(error).__name__}: {error}")


async def run(jid, password, host, port, files):
    chatter = Chatter(jid, password, files == "files")
    chatter.connect((host, int(port)), disable_starttls=True, force_starttls=False, use_ssl=False)
    await asyncio.wait_for(chatter.ready, peer.WAIT)
    peer.say(ready=str(chatter.boundjid))
    loop = asyncio.get_event_loop()
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while line := await commands.readline():
        await perform(chatter, json.loads(line))
    await chatter.disconnect()


if __name__ == "__main__":
    if len(sys.argv) != 6:
        raise SystemExit(__doc__)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(run(*sys.argv[1:]))
