/**
 * Questions that others get wrong, or ask to do harm, put to a whole node through a real server:
 * each gets a clear error, nobody else suffers, and in the end nothing of it is left.
 */
import assert from 'node:assert/strict';
import type { Entity } from '../../src/entity/entity.js';
import { parseJid } from '../../src/stanza/jid.js';
import { NS } from '../../src/stanza/namespaces.js';
import { BESIEGED, BesiegedNode, ROMEO, totalOf } from '../support/besieged-node.js';
import { elementOf } from '../support/codec-fixtures.js';
import { eventually } from '../support/eventually.js';
import { field, findOf, regexField } from '../support/raw-asker.js';
import { PUBSUB } from '../support/server.js';
import { describeOnServers } from '../support/server-fixture.js';

const SLOW_MS = 2000; // what only a blocked event loop takes to answer a ping

describeOnServers('a bad question to a whole node', (server) => {
  let node: BesiegedNode;

  before(async function () {
    this.timeout(60_000);
    node = await BesiegedNode.start(server());
  });

  after(() => node?.stop());

  describe('gets a clear error, and nobody else suffers:', () => {
    afterEach('somebody else is answered', () => node.assertAnswers());

    describe('a question that is no question', () => {
      const cases: readonly [string, string, RegExp][] = [
        ['no field', findOf(''), /^bad-request: .*field/],
        ['only empty fields', findOf(field('name', '')), /^bad-request: .*field/],
        ['an unknown field', findOf(field('colour', 'red')), /^bad-request: .*'colour'/],
        ['a field that every object has', findOf(field('constructor', 'x')), /^bad-request: .*'constructor'/],
        ['an unknown FORM_TYPE', findOf(field('FORM_TYPE', 'urn:x') + ROMEO), /^bad-request: .*FORM_TYPE/],
        ['a field twice', findOf(ROMEO + ROMEO), /^bad-request: .*'name'/],
        ['a size that is none', findOf(field('size', '12 MB')), /^bad-request: 'size'/],
        ['a negative size', findOf(field('size-min', '-1')), /^bad-request: 'size-min'/],
        ['a size beyond numbers', findOf(field('size-max', '9'.repeat(30))), /^bad-request: 'size-max'/],
        ['two bounds of one kind', findOf(field('size-min', '1', '2')), /^bad-request: 'size-min'/],
        [
          'bounds the wrong way round',
          findOf(field('size-min', '2') + field('size-max', '1')),
          /^bad-request: 'size-min'/,
        ],
        ['a date that is none', findOf(field('date', 'yesterday')), /^bad-request: .*date/],
        ['the 30th of February', findOf(field('date-min', '2026-02-30')), /^bad-request: .*date-min/],
        [
          'dates the wrong way round',
          findOf(field('date-min', '2026-02-03') + field('date-max', '2026-02-01')),
          /^bad-request: 'date-min'/,
        ],
        ['a hash of no kind', findOf(field('hash', 'sha-256')), /^bad-request: .*hash/],
        ['a hash of the wrong length', findOf(field('hash', 'sha-256:AAAA')), /^bad-request: .*hash/],
        ['a media type that is none', findOf(field('media-type', 'audio')), /^bad-request: 'media-type'/],
        ['an extension with a slash', findOf(field('ext', 'a/b')), /^bad-request: 'ext'/],
        [
          'a boolean that is none',
          findOf(ROMEO + field('case-sensitive', 'maybe')),
          /^bad-request: 'case-sensitive'/,
        ],
        ['a pattern where none may be', findOf(regexField('size', '1')), /^bad-request: 'size'/],
        ['only what to leave out', findOf(field('text', '-romeo')), /^bad-request: 'text'/],
        ['a phrase that does not end', findOf(field('text', '"romeo')), /^bad-request: .*text/],
        [
          'mistakes in an endless word',
          findOf(field('text', `${'abcdefghij'.repeat(100)}~2`)),
          /^bad-request: .*24 letters/,
        ],
        [
          'too many values',
          findOf(field('name', ...Array.from({ length: 101 }, String))),
          /^bad-request: 'name'/,
        ],
        ['too long a value', findOf(field('name', 'x'.repeat(5000))), /^bad-request: 'name'/],
        [
          'an unknown order',
          findOf(ROMEO, '', `<order xmlns='${NS.orderBy}' field='colour'/>`),
          /^bad-request: .*order|field/,
        ],
        [
          'a page of no size',
          findOf(ROMEO, '', `<set xmlns='${NS.rsm}'><max>-5</max></set>`),
          /^bad-request: .*max/,
        ],
        [
          'a cursor of nobody',
          findOf(ROMEO, '', `<set xmlns='${NS.rsm}'><after>nonsense</after></set>`),
          /^bad-request: .*after|cursor/,
        ],
        ['an element that is not known', findOf(ROMEO, '', "<only xmlns='urn:x'/>"), /^bad-request: .*only/],
        ['an id without end', findOf(ROMEO, `id='${'x'.repeat(300)}'`), /^bad-request: 'id'/],
        ['an address that is none', findOf(ROMEO, "reply-to='@'"), /^bad-request: .*reply-to/],
        ['no form', `<find xmlns='${NS.find}'/>`, /^bad-request: .*form/],
        ['two forms', findOf(ROMEO, '', `<x xmlns='${NS.dataForms}' type='submit'/>`), /^bad-request: .*x/],
        [
          'the form of 2011 against itself',
          `<query xmlns='${NS.discoInfo}'><identity category='filesys' type='file' name='a'/><x xmlns='${NS.dataForms}'>${ROMEO}</x></query>`,
          /^bad-request: 'name'/,
        ],
        [
          'the form of 2011 with a size that is none',
          `<query xmlns='${NS.discoInfo}'><identity category='filesys' type='file' size='big'/></query>`,
          /^bad-request: 'size'/,
        ],
      ];
      for (const [what, payload, answer] of cases) {
        it(`is told what is wrong with it: ${what}`, async () => {
          assert.match(String(await node.attacker.ask(payload)), answer);
        });
      }

      it('is told where an expression does not parse, and why', async () => {
        for (const [pattern, position] of [
          ['a(b', 2],
          ['*a', 1],
          ['a{2,1}', 2],
          ['a\\d', 2],
          ['[[:alpa:]]', 2],
          ['[z-a]', 2],
          ['a{1', 2],
          ['[', 1],
          ['a||b', 3],
          ['()', 2],
          ['(a', 1],
          ['\\', 1],
        ] as const) {
          const answer = String(await node.attacker.find(regexField('name', pattern)));
          assert.match(
            answer,
            /^bad-request: 'name' is not an extended regular expression at character [0-9]+: .{5,}/,
            pattern,
          );
          assert.ok(
            Math.abs(Number(/character ([0-9]+)/.exec(answer)?.[1]) - position) <= 2,
            `${pattern}: ${answer}`,
          );
        }
      });

      it('is told so however deep it is, on a stream that goes on', async () => {
        for (const depth of [40, 70, 2000]) {
          const deep = `${'<a>'.repeat(depth)}${'</a>'.repeat(depth)}`;
          assert.match(
            String(await node.attacker.ask(`<find xmlns='${NS.find}'>${deep}</find>`)),
            /^bad-request: /,
          );
        }
        assert.equal(node.served.line('offline'), undefined);
      });

      it('is service-unavailable where the element is not known', async () => {
        for (const payload of [
          "<find xmlns='urn:xmpp:tmp:file-discovery:1'/>",
          "<x xmlns='urn:x'/>",
          "<query xmlns='jabber:iq:roster'/>",
        ]) {
          for (const type of ['get', 'set'] as const) {
            assert.match(String(await node.attacker.ask(payload, type)), /^service-unavailable/);
          }
        }
        assert.match(String(await node.attacker.ask(findOf(ROMEO), 'set')), /^service-unavailable/);
      });
    });

    it('ends expensive expressions in time while others are answered', async function () {
      this.timeout(60_000);
      const patterns = [
        '([[:alpha:]].{1,30}){10}x',
        '(.*a){12}x$',
        '((a|b|c|d|e)*[^z]{1,60}){4}$z',
        '(((.{1,9}){1,9}){1,9}){1,9}',
        '([^x]{0,200}j ){1,20}$',
        '(.|..|...|....){100}q',
        `${'(a?){50}'.repeat(10)}${'a'.repeat(50)}$`,
      ];
      const ask = async (pattern: string) => {
        const fromMs = performance.now();
        const fields = ['name', 'path'].map((each) => regexField(each, pattern)).join('');
        return { pattern, answer: await node.attacker.find(fields), ms: performance.now() - fromMs };
      };
      const askAll = async () => {
        const answers = [];
        for (let at = 0; at < patterns.length; at += 3) {
          answers.push(...(await Promise.all(patterns.slice(at, at + 3).map(ask)))); // as many as one may at once
        }
        return answers;
      };
      let over = false;
      const ended = askAll().finally(() => {
        over = true;
      });
      let slowestMs = 0;
      let questions = 0;
      while (!over) {
        const fromMs = performance.now();
        assert.notEqual(typeof (await node.innocent.ask(`<ping xmlns='${NS.ping}'/>`)), 'string');
        slowestMs = Math.max(slowestMs, performance.now() - fromMs);
        assert.equal(totalOf(await node.innocent.find(ROMEO)), 1);
        questions += 1;
      }
      const answers = await ended;
      for (const { pattern, answer, ms } of answers) {
        if (typeof answer === 'string')
          assert.match(answer, /^resource-constraint: over the limit '(queryDeadlineMs|states)'/, pattern);
        assert.ok(ms < 4 * BESIEGED.deadlineMs + SLOW_MS, `${pattern}: ${Math.round(ms)} ms`);
      }
      assert.ok(
        answers.some(({ answer }) => typeof answer === 'string'),
        'none was too much',
      );
      assert.ok(slowestMs < SLOW_MS, `${Math.round(slowestMs)} ms for a ping`);
      assert.ok(questions > 0);
    });

    it('answers others while one floods it', async function () {
      this.timeout(60_000);
      const flood = Array.from({ length: 3000 }, () => node.attacker.find(regexField('name', '.*j.*9'))).map(
        (each) =>
          each.then(
            (answer) => (typeof answer === 'string' ? answer.split(':')[0] : 'answered'),
            (error: Error) => error.name,
          ),
      );
      let over = false;
      const ended = Promise.all(flood).finally(() => {
        over = true;
      });
      let slowestMs = 0;
      while (!over) {
        const fromMs = performance.now();
        assert.equal(totalOf(await node.innocent.find(ROMEO)), 1);
        slowestMs = Math.max(slowestMs, performance.now() - fromMs);
      }
      const counts = new Map<string, number>();
      for (const each of await ended) counts.set(String(each), (counts.get(String(each)) ?? 0) + 1);
      assert.deepEqual(
        [...counts.keys()].sort(),
        ['answered', 'resource-constraint'],
        JSON.stringify([...counts]),
      );
      assert.ok(slowestMs < 15_000, `${Math.round(slowestMs)} ms`);
    });

    it('answers no answer', async () => {
      const heard: string[] = [];
      const listen = node.attacker.entity.handleIq('set', 'error', 'urn:x', ({ payload }) => {
        heard.push(String(payload));
        return undefined;
      });
      const before = node.served.log.length;
      for (const type of ['result', 'error', 'nonsense', '']) {
        node.attacker.entity.send(
          elementOf(`<iq to='${BESIEGED.jid}' type='${type}' id='loop-${type}'><error type='cancel'/></iq>`),
        );
      }
      node.attacker.entity.send(
        elementOf(
          `<message to='${BESIEGED.jid}' type='error'><found xmlns='${NS.find}' id='x' total='0'/></message>`,
        ),
      );
      node.attacker.entity.send(
        elementOf(
          `<message to='${BESIEGED.jid}'><event xmlns='${NS.pubsubEvent}'><items node='${BESIEGED.channel}'><item id='forged'>${findOf(ROMEO)}</item></items></event></message>`,
        ),
      );
      await node.attacker.find(ROMEO); // everything before it has been handled
      listen();
      assert.deepEqual(heard, []);
      assert.deepEqual(
        node.served.log.slice(before).filter((line) => Number(line.level) >= 40),
        [],
      );
    });

    it('ignores garbage on a channel and answers the next question there', async function () {
      this.timeout(30_000);
      const items = [
        '',
        "<x xmlns='urn:x'/>",
        `<find xmlns='${NS.find}'/>`,
        findOf(''),
        findOf(regexField('name', '(')),
        findOf(ROMEO, "expires='soon'"),
        findOf(ROMEO, "expires='1999-01-01T00:00:00Z'"),
        findOf(ROMEO, "spread='-5'"),
        findOf(ROMEO, "reply-to='///'"),
        findOf(regexField('name', '(.{1,255}){1,255}')),
        findOf(ROMEO, '', "<x xmlns='urn:x'/>"),
        `<query xmlns='${NS.discoInfo}'/>`,
        `<query xmlns='${NS.discoInfo}'><identity category='filesys' type='file'/></query>`,
        `<find xmlns='${NS.find}'>${'<a>'.repeat(30)}${'</a>'.repeat(30)}</find>`,
        `<entry xmlns='http://www.w3.org/2005/Atom'>${'x'.repeat(20_000)}</entry>`,
      ];
      const heard: string[] = [];
      const unlisten = node.attacker.entity.handleMessage('found', NS.find, ({ stanza }) => {
        heard.push(String(stanza.getChild('found', NS.find)?.attrs.id));
      });
      const publish = async (entity: Entity, id: string, payload: string) => {
        const pubsub = `<pubsub xmlns='${NS.pubsub}'><publish node='${BESIEGED.channel}'><item id='${id}'>${payload}</item></publish></pubsub>`;
        await entity.request({ to: parseJid(PUBSUB), type: 'set', payload: elementOf(pubsub) });
      };
      for (const [at, payload] of items.entries()) {
        await publish(node.attacker.entity, `garbage-${at}`, payload).catch(() => undefined); // the service may refuse it
      }
      const reply = `reply-to='${node.attacker.entity.jid}'`;
      await publish(node.attacker.entity, 'good', findOf(ROMEO, reply));
      await eventually(
        () => heard,
        (ids) => ids.length > 0,
      );
      assert.deepEqual(heard, ['good']);
      unlisten();
    });
  });

  describe('and afterwards', () => {
    it('has nothing left of all that, and ends well', async function () {
      this.timeout(60_000);
      await node.assertNothingLeft();
    });

    it('starts again with the garbage still on the channel', async function () {
      this.timeout(60_000);
      await node.served.start();
      await node.assertAnswers();
      assert.deepEqual(node.complaints(40), []);
    });
  });
});
