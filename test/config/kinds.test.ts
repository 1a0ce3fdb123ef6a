import assert from 'node:assert/strict';
import * as kinds from '../../src/config/kinds.js';
import type { Kind } from '../../src/config/option.js';

const place = { path: [], faults: [], resolve: (written: string) => `/x/${written}` };

describe('kinds of options', () => {
  const cases: readonly (readonly [string, Kind<unknown>, readonly unknown[], readonly unknown[]])[] = [
    ['whole', kinds.whole(1, 5), [1, 5], [0, 6, 1.5, '3', Number.NaN, true]],
    ['yesOrNo', kinds.yesOrNo, [true, false], ['yes', 1, 'true']],
    ['oneOf', kinds.oneOf(['a', 'b']), ['a', 'b'], ['A', '', 1]],
    ['text', kinds.text(4), ['a', 'aaaa', '日'], ['', 'aaaaa', '日日', 'a\n', 'a\x1b', 3]],
    ['domain', kinds.domain, ['a.b'], ['x@a.b', 'a.b/c', '', 7]],
    ['bareJid', kinds.bareJid, ['a.b', 'x@a.b'], ['x@a.b/c', 'x@']],
    ['host', kinds.host, ['a', 'a.b-c.d', '127.0.0.1', '::1'], ['a b', '-a', 'a..b', '', 'a/b', 'a:1']],
    ['shareName', kinds.shareName, ['books', '日本', '...'], ['.', '..', 'a/b', '', 'a\0', 'é'.repeat(128)]],
    [
      'gateway',
      kinds.gateway,
      ['192.168.1.1', 'http://192.168.1.1:5000/rootDesc.xml'],
      ['::1', 'router', 'https://192.168.1.1/', 'http://', '', 7],
    ],
    ['path', kinds.path, ['a', '/b'], ['', 'a\0b', 5]],
    [
      'hostPort',
      kinds.hostPort,
      ['a:1', '[::1]:65535'],
      ['a', 'a:0', 'a:65536', ':1', '::1:5', '[a b]:1', 'a:b'],
    ],
  ];
  for (const [name, kind, right, wrong] of cases) {
    it(`${name} takes ${kind.allowed}`, () => {
      for (const value of right) assert.notEqual(kind.read(value, place), undefined, String(value));
      for (const value of wrong) assert.equal(kind.read(value, place), undefined, String(value));
    });
  }
});
