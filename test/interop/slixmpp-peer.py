#!/usr/bin/env python3
"""A file-transfer peer on slixmpp, its Jingle written by hand. It shares no code with shoal.

usage: slixmpp-peer.py JID PASSWORD HOST PORT

Commands come as JSON, one a line, each with an `id`; what becomes of them goes out the same way:
  {"do": "offer",   "reach": R, "peer": JID, "file": PATH}
  {"do": "request", "reach": R, "peer": JID, "name": NAME, "file": PATH}
  {"do": "serve",   "reach": R, "file": PATH}     the next request is answered with it
  {"do": "receive", "reach": R, "file": PATH}     the next offer is taken into it
The last two say {"id": N, "armed": true} first. In the end {"id": N, "via": V, "sha256": HEX}, or {"id": N, "error": TEXT}.

R says what of the network it reaches:
  open        everything
  firewalled  nobody, and nobody it, but for the server's SOCKS5 proxy
  isolated    nothing: it speaks SOCKS5 in vain, and the transport is replaced
  in-band     as isolated, and it begins with in-band bytestreams
V is direct, proxy or in-band. The bytes of SOCKS5 and of in-band bytestreams are those of slixmpp's own plugins.
"""
import asyncio
import base64
import hashlib
import json
import os
import socket
import sys
import uuid
from xml.etree import ElementTree as ET
from xml.sax.saxutils import quoteattr, escape

import slixmpp
from slixmpp.plugins.xep_0065 import Socks5Protocol
from slixmpp.xmlstream.handler import CoroutineCallback
from slixmpp.xmlstream.matcher import MatchXPath

JINGLE = "urn:xmpp:jingle:1"
FT = "urn:xmpp:jingle:apps:file-transfer:5"
HASHES = "urn:xmpp:hashes:2"
S5B = "urn:xmpp:jingle:transports:s5b:1"
IBB = "urn:xmpp:jingle:transports:ibb:1"
BLOCK = 4096
PREFERENCE = {"direct": 126, "proxy": 10}
WAIT = 10


class Ended(Exception):
    """The session ended, with this reason."""


class Stream:
    """Bytes of a SOCKS5 connection, whoever made it."""

    def __init__(self):
        self.transport = None
        self.buffer = bytearray()
        self.ended = False
        self.changed = asyncio.Event()

    def take(self, data):
        self.buffer += data
        self.changed.set()

    def end(self):
        self.ended = True
        self.changed.set()

    async def read(self, count):
        while len(self.buffer) < count and not self.ended:
            self.changed.clear()
            await asyncio.wait_for(self.changed.wait(), WAIT)
        return bytes(self.buffer[:count])

    async def write_all(self, data):
        self.transport.write(data)
        # A proxy may hold the last bytes back until the connection is closed.
        self.transport.close()


class Streamhost(asyncio.Protocol):
    """A SOCKS5 server for one destination address."""

    def __init__(self, dest, arrived):
        self.dest, self.arrived = dest, arrived
        self.stream, self.pending, self.step = Stream(), b"", "greeting"

    def connection_made(self, transport):
        self.stream.transport = transport

    def data_received(self, data):
        if self.step == "connected":
            self.stream.take(data)
            return
        self.pending += data
        if self.step == "greeting" and len(self.pending) >= 2 and len(self.pending) >= 2 + self.pending[1]:
            self.pending = self.pending[2 + self.pending[1]:]
            self.step = "request"
            self.stream.transport.write(b"\x05\x00")
        if self.step == "request" and len(self.pending) >= 5 and len(self.pending) >= 7 + self.pending[4]:
            length = self.pending[4]
            asked = self.pending[5:5 + length].decode()
            if asked != self.dest:
                self.stream.transport.write(b"\x05\x02" + self.pending[2:7 + length])
                self.stream.transport.close()
                return
            self.stream.transport.write(b"\x05\x00" + self.pending[2:7 + length])
            rest, self.pending, self.step = self.pending[7 + length:], b"", "connected"
            if rest:
                self.stream.take(rest)
            self.arrived(self.stream)

    def connection_lost(self, _):
        self.stream.end()


async def connect_socks(host, port, dest):
    stream = Stream()

    def event(name, value=None):
        if name == "socks5_data":
            stream.take(value)
        if name == "socks5_closed":
            stream.end()

    loop = asyncio.get_event_loop()
    transport, protocol = await asyncio.wait_for(
        loop.create_connection(lambda: Socks5Protocol(dest, 0, event), host, port), 5)
    await asyncio.wait_for(protocol.connected, 5)
    stream.transport = transport
    return stream


def digest(*parts):
    return hashlib.sha1("".join(str(each) for each in parts).encode()).hexdigest()


class Socks:
    """XEP-0260 for one content. `transport(...)` sends a transport-info."""

    def __init__(self, peer, reach, sid, session):
        self.client, self.reach, self.sid, self.session = peer, reach, sid, session
        self.me, self.other = str(peer.boundjid), session.peer
        self.server, self.inbound, self.mine, self.theirs = None, asyncio.Future(), {}, {}

    async def describe(self):
        if self.reach == "isolated":
            # As a machine behind a firewall does: it names an address at which nobody is reached.
            with socket.socket() as closed:
                closed.bind(("127.0.0.1", 0))
                self._add("direct", "127.0.0.1", closed.getsockname()[1], self.me)
        if self.reach == "open":
            self.server = await asyncio.get_event_loop().create_server(
                lambda: Streamhost(digest(self.sid, self.me, self.other), self._arrived), "127.0.0.1", 0)
            port = self.server.sockets[0].getsockname()[1]
            self._add("direct", "127.0.0.1", port, self.me)
        if self.reach in ("open", "firewalled"):
            for jid, (host, port) in (await self.client.proxies()).items():
                self._add("proxy", host, int(port), str(jid))
        candidates = "".join(
            "<candidate " + " ".join(f"{key}={quoteattr(str(value))}" for key, value in each.items()) + "/>"
            for each in self.mine.values())
        dstaddr = digest(self.sid, self.me, self.other)
        return f"<transport xmlns='{S5B}' sid='{self.sid}' mode='tcp' dstaddr='{dstaddr}'>{candidates}</transport>"

    def _add(self, kind, host, port, jid):
        cid = uuid.uuid4().hex[:8]
        self.mine[cid] = {"cid": cid, "host": host, "port": port, "jid": jid, "type": kind,
                          "priority": 65536 * PREFERENCE[kind] + len(self.mine)}

    def _arrived(self, stream):
        if not self.inbound.done():
            self.inbound.set_result(stream)

    def remote(self, transport):
        for each in transport.findall(f"{{{S5B}}}candidate"):
            self.theirs[each.get("cid")] = dict(each.attrib)

    async def connect(self):
        """The stream and how it goes, or None when there is no way."""
        used, stream = await self._try_theirs()
        await self.session.transport_info(
            self._info(f"<candidate-used cid='{used['cid']}'/>" if used else "<candidate-error/>"))
        said = await self.session.next_info(("candidate-used", "candidate-error"))
        by_other = self.mine[said.get("cid")] if said.tag.endswith("candidate-used") else None
        if used is None and by_other is None:
            return None
        ours = by_other is not None and (used is None or self._prefers_mine(by_other, used))
        if not ours:
            if used.get("type") == "proxy":
                info = await self.session.next_info(("activated", "proxy-error"))
                if info.tag.endswith("proxy-error"):
                    return None
            return stream, used.get("type", "direct")
        if stream is not None:
            stream.transport.close()
        if by_other["type"] == "direct":
            return await asyncio.wait_for(self.inbound, WAIT), "direct"
        try:
            stream = await connect_socks(by_other["host"], by_other["port"], digest(self.sid, self.me, self.other))
            await self.client["xep_0065"].activate(by_other["jid"], self.sid, self.other, timeout=WAIT)
        except Exception:
            await self.session.transport_info(self._info("<proxy-error/>"))
            return None
        await self.session.transport_info(self._info(f"<activated cid='{by_other['cid']}'/>"))
        return stream, "proxy"

    def _prefers_mine(self, mine, theirs):
        first, second = int(mine["priority"]), int(theirs["priority"])
        # XEP-0260 §2.4: on a tie, the candidate that the initiator chose: one of the responder's.
        return first > second if first != second else not self.session.initiator

    async def _try_theirs(self):
        proxy_ports = {int(port) for _, port in (await self.client.proxies()).values()}
        for each in sorted(self.theirs.values(), key=lambda each: -int(each["priority"])):
            allowed = self.reach == "open" or (self.reach == "firewalled" and int(each["port"]) in proxy_ports)
            if not allowed:
                continue
            try:
                dest = digest(self.sid, self.other, self.me)
                return each, await connect_socks(each["host"], int(each["port"]), dest)
            except Exception:
                continue
        return None, None

    def _info(self, inside):
        return f"<transport xmlns='{S5B}' sid='{self.sid}'>{inside}</transport>"

    def close(self):
        if self.server is not None:
            self.server.close()


class InBand:
    """XEP-0261 for one content; the bytestream is slixmpp's."""

    def __init__(self, peer, sid, block, session):
        self.client, self.sid, self.block, self.session = peer, sid, block, session
        self.opened = asyncio.Future()
        peer.add_event_handler(f"stream:{sid}:{session.peer}", self._opened, disposable=True)

    def _opened(self, stream):
        if not self.opened.done():
            self.opened.set_result(stream)

    async def expect(self):
        await self.client["xep_0047"].api["preauthorize_sid"](
            self.client.boundjid, self.sid, slixmpp.JID(self.session.peer), None)

    def describe(self):
        return f"<transport xmlns='{IBB}' sid='{self.sid}' block-size='{self.block}'/>"

    async def connect(self):
        if self.session.initiator:
            stream = await self.client["xep_0047"].open_stream(
                slixmpp.JID(self.session.peer), block_size=self.block, sid=self.sid, timeout=WAIT)
        else:
            stream = await asyncio.wait_for(self.opened, WAIT)
        return InBandStream(stream), "in-band"


class InBandStream:
    def __init__(self, stream):
        self.stream = stream

    async def read(self, _):
        return await self.stream.gather(timeout=WAIT)

    async def write_all(self, data):
        await self.stream.sendall(data, timeout=WAIT)
        try:
            await self.stream.close(timeout=WAIT)
        except slixmpp.exceptions.IqError as error:
            # The receiver, which knew the size, was done with it before we said so.
            if error.condition != "item-not-found":
                raise


class Session:
    def __init__(self, client, sid, peer, initiator, name):
        self.client, self.sid, self.peer, self.initiator, self.name = client, sid, peer, initiator, name
        self.actions, self.infos, self.checksum = asyncio.Queue(), asyncio.Queue(), None
        self.reason = asyncio.Future()

    def hear(self, jingle):
        action = jingle.get("action")
        if action == "transport-info":
            for each in jingle.find(f"{{{JINGLE}}}content/{{{S5B}}}transport"):
                self.infos.put_nowait(each)
        elif action == "session-info":
            self.checksum = jingle.findtext(f".//{{{HASHES}}}hash") or self.checksum
        elif action == "session-terminate":
            reason = jingle.find(f"{{{JINGLE}}}reason")
            text = "none" if reason is None else ET.tostring(reason, encoding="unicode")
            if not self.reason.done():
                self.reason.set_result(text)
        else:
            self.actions.put_nowait(jingle)

    async def _or_ended(self, waiting):
        task = asyncio.ensure_future(waiting)
        await asyncio.wait({task, self.reason}, timeout=WAIT, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        task.cancel()
        raise Ended(self.reason.result() if self.reason.done() else "the peer says nothing")

    async def next_info(self, names):
        while True:
            info = await self._or_ended(self.infos.get())
            if info.tag.split("}")[1] in names:
                return info

    async def next_action(self, *names):
        jingle = await self._or_ended(self.actions.get())
        if jingle.get("action") not in names:
            raise Ended(f"unexpected {jingle.get('action')}")
        return jingle.find(f"{{{JINGLE}}}content")

    async def send(self, action, inside="", attributes=""):
        await self.client.ask(
            self.peer, f"<jingle xmlns='{JINGLE}' action='{action}' sid='{self.sid}' {attributes}>{inside}</jingle>")

    def content(self, inside, senders=None):
        attribute = f" senders='{senders}'" if senders else ""
        return f"<content creator='initiator' name={quoteattr(self.name)}{attribute}>{inside}</content>"

    async def transport_info(self, transport):
        await self.send("transport-info", self.content(transport))

    async def succeed(self):
        await self.send("session-terminate", "<reason><success/></reason>")


def transport_of(content):
    return next(each for each in content if each.tag.endswith("}transport"))


def file_of(content):
    return content.find(f"{{{FT}}}description/{{{FT}}}file")


def describe(inside):
    return f"<description xmlns='{FT}'><file>{inside}</file></description>"


def described(path):
    with open(path, "rb") as file:
        data = file.read()
    value = base64.b64encode(hashlib.sha256(data).digest()).decode()
    name = escape(os.path.basename(path))
    return data, describe(f"<name>{name}</name><size>{len(data)}</size><range/>"
                          f"<hash xmlns='{HASHES}' algo='sha-256'>{value}</hash>")


class Peer(slixmpp.ClientXMPP):
    def __init__(self, jid, password):
        super().__init__(jid, password)
        self["feature_mechanisms"].unencrypted_plain = True
        for plugin in ("xep_0030", "xep_0047", "xep_0065", "xep_0199"):
            self.register_plugin(plugin)
        for feature in (JINGLE, FT, S5B, IBB, HASHES):
            self["xep_0030"].add_feature(feature)
        self.ready = asyncio.get_event_loop().create_future()
        self.sessions, self.armed, self.found = {}, [], None
        self.add_event_handler("session_start", self.begin)
        self.add_event_handler("failed_auth", lambda _: self.ready.set_exception(SystemExit("auth failed")))
        path = "{jabber:client}iq/{%s}jingle" % JINGLE
        self.register_handler(CoroutineCallback("jingle", MatchXPath(path), self.on_jingle))

    def begin(self, _):
        self.send_presence()
        self.ready.set_result(True)

    async def proxies(self):
        if self.found is None:
            self.found = dict(await self["xep_0065"].discover_proxies(timeout=WAIT))
        return self.found

    def ask(self, to, payload):
        iq = self.make_iq(ito=to, itype="set")
        iq.append(ET.fromstring(payload))
        return iq.send(timeout=WAIT)

    async def on_jingle(self, iq):
        if iq["type"] != "set":
            return
        jingle, sender = iq.xml.find(f"{{{JINGLE}}}jingle"), str(iq["from"])
        key = (sender, jingle.get("sid"))
        if jingle.get("action") == "session-initiate" and key not in self.sessions and self.armed:
            content = jingle.find(f"{{{JINGLE}}}content")
            session = Session(self, jingle.get("sid"), sender, False, content.get("name"))
            self.sessions[key] = session
            iq.reply().send()
            command, over = self.armed.pop(0)
            asyncio.ensure_future(finish(over, self.respond(session, content, command)))
        elif key in self.sessions:
            iq.reply().send()
            self.sessions[key].hear(jingle)
        else:
            reply = iq.reply()
            reply["type"] = "error"
            reply["error"]["condition"] = "item-not-found"
            reply.send()

    async def initiate(self, command, senders, description):
        sid = uuid.uuid4().hex
        session = Session(self, sid, command["peer"], True, "a file")
        self.sessions[(command["peer"], sid)] = session
        stream_sid = uuid.uuid4().hex
        socks = None if command["reach"] == "in-band" else Socks(self, command["reach"], stream_sid, session)
        in_band = None if socks else InBand(self, stream_sid, BLOCK, session)
        transport = await socks.describe() if socks else in_band.describe()
        await session.send("session-initiate", session.content(description + transport, senders),
                           f"initiator={quoteattr(str(self.boundjid))}")
        accepted = await session.next_action("session-accept")
        found = None
        if socks:
            socks.remote(transport_of(accepted))
            found = await socks.connect()
            socks.close()
            if found is None:
                in_band = InBand(self, uuid.uuid4().hex, BLOCK, session)
                await session.send("transport-replace", session.content(in_band.describe()))
                replaced = transport_of(await session.next_action("transport-accept"))
                in_band.block = min(BLOCK, int(replaced.get("block-size", BLOCK)))
        if found is None:
            found = await in_band.connect()
        return session, file_of(accepted), found

    async def respond(self, session, content, command):
        offered = transport_of(content)
        sends = command["do"] == "serve"
        if (content.get("senders") == "responder") != sends:
            await session.send("session-terminate", "<reason><decline/></reason>")
            raise Ended("neither offered nor requested as it should be")
        data, description = described(command["file"]) if sends else (None, None)
        if description is None:
            description = ET.tostring(content.find(f"{{{FT}}}description"), encoding="unicode")
        socks = None
        if offered.tag == f"{{{S5B}}}transport":
            socks = Socks(self, command["reach"], offered.get("sid"), session)
            socks.remote(offered)
            transport = await socks.describe()
        else:
            in_band, transport = await self.answer_in_band(session, offered)
        await session.send("session-accept", session.content(description + transport, content.get("senders")),
                           f"responder={quoteattr(str(self.boundjid))}")
        found = await socks.connect() if socks else None
        if socks:
            socks.close()
            if found is None:
                offered = transport_of(await session.next_action("transport-replace"))
                in_band, transport = await self.answer_in_band(session, offered)
                await session.send("transport-accept", session.content(transport))
        if found is None:
            found = await in_band.connect()
        if sends:
            return await self.give(session, data, found)
        return await self.take(session, file_of(content), found, command["file"])

    async def answer_in_band(self, session, offered):
        block = min(BLOCK, int(offered.get("block-size")))
        in_band = InBand(self, offered.get("sid"), block, session)
        await in_band.expect()
        return in_band, in_band.describe()

    async def give(self, session, data, found):
        stream, via = found
        await stream.write_all(data)
        await asyncio.wait_for(session.reason, WAIT)
        if "success" not in session.reason.result():
            raise Ended(session.reason.result())
        return {"via": via, "sha256": hashlib.sha256(data).hexdigest()}

    async def take(self, session, file, found, path):
        stream, via = found
        size = int(file.findtext(f"{{{FT}}}size"))
        data = await stream.read(size)
        if len(data) != size:
            raise Ended(f"{len(data)} bytes of {size}")
        with open(path, "wb") as target:
            target.write(data)
        await session.succeed()
        return {"via": via, "sha256": hashlib.sha256(data).hexdigest()}

    async def offer(self, command):
        data, description = described(command["file"])
        session, _, found = await self.initiate(command, "initiator", description)
        return await self.give(session, data, found)

    async def request(self, command):
        description = describe(f"<name>{escape(command['name'])}</name>")
        session, file, found = await self.initiate(command, "responder", description)
        return await self.take(session, file, found, command["file"])


def say(**facts):
    print(json.dumps(facts), flush=True)


async def finish(number, work):
    try:
        say(id=number, **await work)
    except Exception as error:  # whatever it is, the test is told
        say(id=number, error=f"{type(error).__name__}: {error}")


async def run(jid, password, host, port):
    peer = Peer(jid, password)
    peer.connect((host, int(port)), disable_starttls=True, force_starttls=False, use_ssl=False)
    await asyncio.wait_for(peer.ready, WAIT)
    say(ready=str(peer.boundjid))
    loop = asyncio.get_event_loop()
    commands = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while line := await commands.readline():
        command = json.loads(line)
        if command["do"] in ("serve", "receive"):
            peer.armed.append((command, command["id"]))
            say(id=command["id"], armed=True)
        else:
            asyncio.ensure_future(finish(command["id"], getattr(peer, command["do"])(command)))
    await peer.disconnect()


if __name__ == "__main__":
    if len(sys.argv) != 5:
        raise SystemExit(__doc__)
    main = asyncio.new_event_loop()
    asyncio.set_event_loop(main)
    main.run_until_complete(run(*sys.argv[1:]))
