#!/usr/bin/env python3
"""A client written by hand, on slixmpp, from raw stanzas. It shares no code with shoal.

usage: raw-client.py JID PASSWORD HOST PORT NODE SERVICE CHANNEL WORD
Asks NODE by iq, asks CHANNEL, then fetches the first file by in-band bytestream.
Prints one JSON object a line: {"step": ..., ...}. Ends with 0 when all steps went through.
"""
import asyncio
import base64
import hashlib
import json
import sys
import uuid
from xml.etree import ElementTree as ET

import slixmpp
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

FIND = "urn:xmpp:tmp:file-discovery:0"
FORM = "jabber:x:data"
FT = "urn:xmpp:jingle:apps:file-transfer:5"
HASHES = "urn:xmpp:hashes:2"
JINGLE = "urn:xmpp:jingle:1"
JINGLE_IBB = "urn:xmpp:jingle:transports:ibb:1"
IBB = "http://jabber.org/protocol/ibb"
PUBSUB = "http://jabber.org/protocol/pubsub"


def find(word, query_id):
    return f"""<find xmlns='{FIND}' id='{query_id}'>
      <x xmlns='{FORM}' type='submit'>
        <field var='FORM_TYPE' type='hidden'><value>{FIND}</value></field>
        <field var='text'><value>{word}</value></field>
      </x>
      <set xmlns='http://jabber.org/protocol/rsm'><max>10</max></set>
    </find>"""


def files_of(found):
    return [
        {
            "name": each.findtext(f"{{{FT}}}name"),
            "path": each.findtext(f"{{{FIND}}}path"),
            "size": int(each.findtext(f"{{{FT}}}size")),
            "sha-256": each.findtext(f"{{{HASHES}}}hash"),
        }
        for each in found.findall(f"{{{FT}}}file")
    ]


def say(step, **facts):
    print(json.dumps({"step": step, **facts}), flush=True)


class Client(slixmpp.ClientXMPP):
    def __init__(self, jid, password):
        super().__init__(jid, password)
        self["feature_mechanisms"].unencrypted_plain = True
        self.ready = asyncio.get_event_loop().create_future()
        self.answers = asyncio.Queue()
        self.jingle = asyncio.Queue()
        self.content = bytearray()
        self.closed = asyncio.get_event_loop().create_future()
        self.add_event_handler("session_start", self.begin)
        self.add_event_handler("failed_auth", lambda _: self.ready.set_exception(SystemExit("auth failed")))
        handlers = [
            ("found", "{jabber:client}message/{%s}found" % FIND, self.on_found),
            ("jingle", "{jabber:client}iq@type=set/{%s}jingle" % JINGLE, self.on_jingle),
            ("open", "{jabber:client}iq@type=set/{%s}open" % IBB, self.on_open),
            ("data", "{jabber:client}iq@type=set/{%s}data" % IBB, self.on_data),
            ("close", "{jabber:client}iq@type=set/{%s}close" % IBB, self.on_close),
        ]
        for name, path, handler in handlers:
            self.register_handler(Callback(name, MatchXPath(path.replace("@type=set", "")), handler))

    def begin(self, _):
        self.send_presence()
        self.ready.set_result(True)

    def ask(self, to, kind, payload):
        iq = self.make_iq(ito=to, itype=kind)
        iq.append(ET.fromstring(payload))
        return iq.send(timeout=20)

    def acknowledge(self, iq):
        self.make_iq_result(id=iq["id"], ito=iq["from"]).send()

    def on_found(self, message):
        self.answers.put_nowait((str(message["from"]), message.xml.find(f"{{{FIND}}}found")))

    def on_jingle(self, iq):
        if iq["type"] == "set":
            self.acknowledge(iq)
            self.jingle.put_nowait(iq.xml.find(f"{{{JINGLE}}}jingle"))

    def on_open(self, iq):
        if iq["type"] == "set":
            self.acknowledge(iq)

    def on_data(self, iq):
        if iq["type"] == "set":
            self.content += base64.b64decode(iq.xml.findtext(f"{{{IBB}}}data"))
            self.acknowledge(iq)

    def on_close(self, iq):
        if iq["type"] == "set":
            self.acknowledge(iq)
            if not self.closed.done():
                self.closed.set_result(True)


async def fetch(client, node, file):
    """Requests the file, whole, over in-band bytestreams, as XEP-0234 and XEP-0261 show it."""
    sid, stream = uuid.uuid4().hex, uuid.uuid4().hex
    me = str(client.boundjid)
    await client.ask(node, "set", f"""
      <jingle xmlns='{JINGLE}' action='session-initiate' initiator='{me}' sid='{sid}'>
        <content creator='initiator' name='a-file-request' senders='responder'>
          <description xmlns='{FT}'><file>
            <hash xmlns='{HASHES}' algo='sha-256'>{file["sha-256"]}</hash>
          </file></description>
          <transport xmlns='{JINGLE_IBB}' block-size='4096' sid='{stream}'/>
        </content>
      </jingle>""")
    actions, checksum = [], None
    while "session-accept" not in actions:
        jingle = await asyncio.wait_for(client.jingle.get(), 20)
        actions.append(jingle.get("action"))
        if jingle.get("action") == "session-terminate":
            raise SystemExit(ET.tostring(jingle))
    # XEP-0261 §2.1: the initiator of the session opens the bytestream.
    await client.ask(node, "set", f"<open xmlns='{IBB}' sid='{stream}' block-size='4096' stanza='iq'/>")
    while checksum is None:
        jingle = await asyncio.wait_for(client.jingle.get(), 20)
        checksum = jingle.findtext(f".//{{{HASHES}}}hash")
    await asyncio.wait_for(client.closed, 20)
    await client.ask(node, "set", f"""
      <jingle xmlns='{JINGLE}' action='session-terminate' sid='{sid}'><reason><success/></reason></jingle>""")
    digest = base64.b64encode(hashlib.sha256(client.content).digest()).decode()
    say("fetched", bytes=len(client.content), sha256=digest, checksum=checksum)
    if digest != file["sha-256"] or checksum != digest:
        raise SystemExit("the bytes are not those of the hash")


async def run(jid, password, host, port, node, service, channel, word):
    client = Client(jid, password)
    client.connect((host, int(port)), disable_starttls=True, force_starttls=False, use_ssl=False)
    await asyncio.wait_for(client.ready, 20)

    result = await client.ask(node, "get", find(word, "direct"))
    found = result.xml.find(f"{{{FIND}}}found")
    direct = files_of(found)
    say("direct", total=int(found.get("total")), files=direct)

    query_id = uuid.uuid4().hex
    await client.ask(service, "set", f"""
      <pubsub xmlns='{PUBSUB}'><publish node='{channel}'><item id='{query_id}'>{find(word, query_id)}</item></publish></pubsub>""")
    answers = []
    while len(answers) < 1:
        sender, found = await asyncio.wait_for(client.answers.get(), 20)
        answers.append({"from": sender, "id": found.get("id"), "files": files_of(found)})
    say("channel", id=query_id, answers=answers)

    await fetch(client, node, direct[0])
    await client.disconnect()


if __name__ == "__main__":
    if len(sys.argv) != 9:
        raise SystemExit(__doc__)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(run(*sys.argv[1:]))
