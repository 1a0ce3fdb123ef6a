#!/usr/bin/env python3
"""Somebody who chats, on slixmpp and its plugins for chat states (XEP-0085) and receipts (XEP-0184).

usage: chat-client.py JID PASSWORD HOST PORT files|no-files

Commands come as JSON, one a line:
  {"do": "say", "to": JID, "text": TEXT}          as a chat, with the state 'active' and asking for a receipt
  {"do": "send", "xml": XML}                      a stanza as it is
  {"do": "take", "file": PATH}                    the next offer by Jingle is taken into this file
  {"do": "start", "to": JID, "id": ID}            XEP-0358
  {"do": "items", "to": JID, "node": NODE}        XEP-0060: {"listed": [ITEM-IDS], "sources": [IDS of jinglepub]}
  {"do": "nodes", "to": JID, "node": NODE}        XEP-0030: {"nodes": [NODES], "names": [NAMES]}
  {"do": "subscribe", "to": JID, "node": NODE}    XEP-0060; what is published there comes as {"news": [IDS of jinglepub]}
Whatever happens goes out the same way: {"body": …}, {"state": …}, {"receipt": ID}, {"taken": {…}}, {"sid": …}, {"news": …}, {"retracted": …}, {"error": …}.
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

EVENT = "http://jabber.org/protocol/pubsub#event"
ITEMS = "http://jabber.org/protocol/disco#items"
PUBSUB = "http://jabber.org/protocol/pubsub"
OOB = "jabber:x:oob"
JINGLEPUB = "urn:xmpp:jinglepub:1"


class Chatter(peer.Peer):
    def __init__(self, jid, password, takes_files):
        super().__init__(jid, password)
        for plugin in ("xep_0060", "xep_0085", "xep_0184"):
            self.register_plugin(plugin)
        if not takes_files:
            for feature in (peer.JINGLE, peer.FT, peer.S5B, peer.IBB):
                self["xep_0030"].del_feature(feature=feature)
        self.add_event_handler("message", self.on_message)
        path = "{jabber:client}message/{%s}event" % EVENT
        self.register_handler(peer.CoroutineCallback("event", peer.MatchXPath(path), self.hear_event))
        self.add_event_handler("receipt_received", lambda each: peer.say(receipt=each["receipt"]))
        for state in ("composing", "paused"):
            self.add_event_handler(f"chatstate_{state}", lambda each: peer.say(state=each["chat_state"]))

    async def hear_event(self, message):
        items = message.xml.find(f"{{{EVENT}}}event/{{{EVENT}}}items")
        if items is None:
            return
        published = items.findall(f"{{{EVENT}}}item")
        retracted = [each.get("id") for each in items.findall(f"{{{EVENT}}}retract")]
        if published:
            offers = [each.find(f".//{{{JINGLEPUB}}}jinglepub") for each in published]
            peer.say(node=items.get("node"), items=[each.get("id") for each in published],
                     news=[None if each is None else each.get("id") for each in offers])
        if retracted:
            peer.say(node=items.get("node"), retracted=retracted)

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
        elif command["do"] == "items":
            result = await self["xep_0060"].get_items(command["to"], command["node"], timeout=peer.WAIT)
            items = result.xml.findall(f".//{{{PUBSUB}}}item")
            peer.say(listed=[each.get("id") for each in items],
                     sources=[each.find(f".//{{{JINGLEPUB}}}jinglepub").get("id") for each in items])
        elif command["do"] == "nodes":
            result = await self["xep_0030"].get_items(command["to"], command["node"], timeout=peer.WAIT)
            below = result.xml.findall(f".//{{{ITEMS}}}item")
            peer.say(nodes=[each.get("node") for each in below], names=[each.get("name") for each in below])
        elif command["do"] == "subscribe":
            await self["xep_0060"].subscribe(command["to"], command["node"], timeout=peer.WAIT)
            peer.say(subscribed=command["node"])


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
