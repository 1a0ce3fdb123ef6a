import assert from 'node:assert/strict';
import fc from 'fast-check';
import { AbortedError, LimitError } from '../../../src/errors.js';
import { parseBareJid } from '../../../src/stanza/jid.js';
import { type UploadSlot, UploadSlots, type UploadTurn } from '../../../src/transfer/send/upload-slots.js';
import { settle, VirtualClock } from '../../support/virtual-clock.js';

const PEERS = ['a', 'b', 'c'].map((name) => parseBareJid(`${name}@example.org`));
const [A, B] = PEERS as [(typeof PEERS)[0], (typeof PEERS)[0]];
const clock = new VirtualClock();
let sids = 0;
const of = (peer: (typeof PEERS)[0]) => ({ peer, sid: `sid-${sids++}` });

describe('UploadSlots', () => {
  it('serve peers in rounds: who asks for more does not come sooner', async () => {
    const slots = new UploadSlots({ clock }, { maxUploads: 1, maxUploadsPerPeer: 9 });
    const first = slots.take(of(A));
    const turns = [A, A, A, B].map((peer) => slots.turn(of(peer)));
    assert.deepEqual(
      turns.map((turn) => turn.place),
      [2, 3, 4, 1],
    );
    const late = slots.turn(of(B));
    assert.equal(late.place, 3);
    first.free();
    (await turns[3]?.slot)?.free();
    assert.deepEqual(
      turns.map((turn) => turn.place),
      [0, 2, 3, 0],
    );
    for (const turn of [turns[0], late, turns[1], turns[2]]) (await turn?.slot)?.free();
    assert.deepEqual([slots.taken, slots.files, slots.waiting], [0, 0, 0]);
  });

  it('serve friends before others, and those in rounds too', async () => {
    const isFriend = (peer: (typeof PEERS)[0]) => peer !== A;
    const slots = new UploadSlots({ clock }, { maxUploads: 1, maxUploadsPerPeer: 9, isFriend });
    const first = slots.take(of(A));
    const turns = [A, B, B, A, PEERS[2] ?? B].map((peer) => slots.turn(of(peer)));
    assert.deepEqual(
      turns.map((turn) => turn.place),
      [4, 1, 3, 5, 2],
    );
    first.free();
    for (const at of [1, 4, 2, 0, 3]) (await turns[at]?.slot)?.free();
    assert.equal(slots.taken, 0);
  });

  it('let nobody stand in the way who has all that it may have', async () => {
    const slots = new UploadSlots({ clock }, { maxUploads: 2, maxUploadsPerPeer: 1 });
    const own = slots.take(of(A));
    const others = slots.take(of(B));
    const more = slots.turn(of(A));
    const next = slots.turn(of(PEERS[2] ?? B));
    others.free();
    (await next.slot).free();
    assert.equal(more.place, 1);
    own.free();
    (await more.slot).free();
    assert.equal(slots.taken, 0);
  });

  it('are waited for by no more than may wait, and by no more of a peer', () => {
    const slots = new UploadSlots(
      { clock },
      {
        maxUploads: 1,
        maxUploadsPerPeer: 1,
        maxWaiting: 3,
        maxWaitingPerPeer: 2,
      },
    );
    const slot = slots.take(of(A));
    const turns = [slots.turn(of(A)), slots.turn(of(A))];
    assert.throws(
      () => slots.turn(of(A)),
      (error: LimitError) => error.bound === 'waiting-per-peer',
    );
    turns.push(slots.turn(of(B)));
    assert.throws(
      () => slots.turn(of(B)),
      (error: LimitError) => error.bound === 'waiting',
    );
    for (const turn of turns) turn.leave();
    slot.free();
    assert.deepEqual([slots.taken, slots.waiting], [0, 0]);
  });

  it('hold no more files of a session than one may have; more would wait for each other', () => {
    const slots = new UploadSlots({ clock }, { maxUploads: 1, maxUploadsPerPeer: 1, maxFilesPerSession: 2 });
    const owner = of(A);
    const files = [slots.take(owner), slots.turn(owner)];
    assert.throws(
      () => slots.turn(owner),
      (error: LimitError) => error.bound === 'uploads-per-session',
    );
    assert.deepEqual([slots.taken, slots.files], [1, 2]);
    for (const file of files) 'free' in file ? file.free() : file.leave();
    assert.deepEqual([slots.taken, slots.files], [0, 0]);
  });

  it('go round where others wait: a session that has had its time waits for its next file', async () => {
    const slots = new UploadSlots({ clock }, { maxUploads: 1, maxUploadsPerPeer: 1, turnMs: 1000 });
    const owner = of(A);
    const first = slots.take(owner);
    const other = slots.turn(of(B));
    const second = slots.take(owner); // its time is not over
    await clock.advance(1000);
    const third = slots.turn(owner);
    assert.deepEqual([other.place, third.place], [1, 2]);
    first.free();
    assert.equal(other.place, 1, 'a file of the session is under way');
    second.free();
    assert.deepEqual([other.place, third.place], [0, 1]);
    (await other.slot).free();
    const fourth = slots.take(owner); // nobody else waits, however long it has had
    (await third.slot).free();
    fourth.free();
    assert.equal(slots.taken, 0);
  });

  it('keep their bounds whatever is taken, given back and given up; nobody is forgotten', async () => {
    const move = fc.record({
      peer: fc.nat(2),
      session: fc.nat(3),
      act: fc.constantFrom('turn', 'free', 'leave'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(move, { maxLength: 60 }), async (moves) => {
        const slots = new UploadSlots(
          { clock },
          {
            maxUploads: 3,
            maxUploadsPerPeer: 2,
            maxFilesPerSession: 2,
            maxWaiting: 8,
          },
        );
        const held: UploadSlot[] = [];
        const waiting = new Set<UploadTurn>();
        for (const { peer, session, act } of moves) {
          if (act === 'free') held.pop()?.free();
          const [first] = waiting;
          if (act === 'leave' && first) {
            waiting.delete(first);
            first.leave();
            await assert.rejects(first.slot, AbortedError);
          }
          const owner = PEERS[peer];
          if (act === 'turn' && owner) {
            try {
              const turn = slots.turn({ peer: owner, sid: `s${session}` });
              waiting.add(turn);
              turn.slot.then(
                (slot) => waiting.delete(turn) && held.push(slot),
                () => undefined,
              );
            } catch (error) {
              assert.ok(error instanceof LimitError);
            }
          }
          await settle();
          assert.ok(slots.taken <= 3 && slots.waiting <= 8);
          assert.deepEqual([slots.files, slots.waiting], [held.length, waiting.size]);
          const places = [...waiting].map((turn) => turn.place).sort((a, b) => a - b);
          assert.deepEqual(
            places,
            places.map((_, index) => index + 1),
          );
        }
        while (held.length > 0) {
          held.pop()?.free();
          await settle();
        }
        assert.deepEqual([slots.taken, slots.files, slots.waiting, waiting.size], [0, 0, 0, 0]);
      }),
      { numRuns: 100 },
    );
  });

  it('have other bounds and other friends at once; who has a slot keeps it', async () => {
    const limits = { maxUploads: 2, maxUploadsPerPeer: 9 };
    const slots = new UploadSlots({ clock }, limits);
    const held = [slots.take(of(A)), slots.take(of(A))];
    const turns = [A, A, B, PEERS[2] ?? B].map((peer) => slots.turn(of(peer)));
    const isFriend = (peer: (typeof PEERS)[0]) => peer === PEERS[2];
    slots.setLimits({ ...limits, isFriend });
    assert.deepEqual(
      turns.map((turn) => turn.place),
      [3, 4, 2, 1],
    );
    slots.setLimits({ maxUploads: 4, maxUploadsPerPeer: 9, isFriend });
    held.push(...(await Promise.all([turns[3]?.slot, turns[2]?.slot])).flatMap((slot) => slot ?? []));
    assert.deepEqual([slots.taken, slots.waiting], [4, 2]);
    slots.setLimits({ maxUploads: 1, maxUploadsPerPeer: 9 });
    for (const slot of held.slice(0, 3)) slot.free();
    assert.deepEqual([slots.taken, slots.waiting], [1, 2]);
    held[3]?.free();
    for (const turn of turns.slice(0, 2)) (await turn.slot).free();
    assert.deepEqual([slots.taken, slots.waiting], [0, 0]);
  });
});
