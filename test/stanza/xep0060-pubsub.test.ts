import assert from 'node:assert/strict';
import { pubsubEventFromXml, pubsubEventToXml } from '../../src/stanza/xep0060-pubsub.js';
import { canonical, elementOf } from '../support/codec-fixtures.js';

const NS = "xmlns='http://jabber.org/protocol/pubsub#event'";

describe('XEP-0060 notifications', () => {
  it('reads items with their publisher, and writes them again', () => {
    const text = `<event ${NS}><items node='books'><item id='1' publisher='hag66@shakespeare.lit/pda'><a xmlns='x'/></item></items></event>`;
    const event = pubsubEventFromXml(elementOf(text));
    assert.ok(event?.type === 'items');
    assert.equal(event.nodeId, 'books');
    assert.equal(event.items[0]?.publisher, 'hag66@shakespeare.lit/pda');
    assert.equal(event.items[0]?.payload?.getNS(), 'x');
    assert.deepEqual(canonical(elementOf(pubsubEventToXml(event).toString())), canonical(elementOf(text)));
  });

  it('reads retractions and deletion', () => {
    const retracted = pubsubEventFromXml(
      elementOf(`<event ${NS}><items node='n'><retract id='7'/></items></event>`),
    );
    assert.deepEqual(retracted, { type: 'items', nodeId: 'n', items: [], retractedIds: ['7'] });
    assert.deepEqual(pubsubEventFromXml(elementOf(`<event ${NS}><delete node='n'/></event>`)), {
      type: 'delete',
      nodeId: 'n',
    });
  });

  it('leaves out an item with a publisher that is no address, and keeps the others', () => {
    const text = `<event ${NS}><items node='n'><item id='1' publisher='@'/><item id='2'/></items></event>`;
    const event = pubsubEventFromXml(elementOf(text));
    assert.deepEqual(event?.type === 'items' && event.items.map((item) => item.id), ['2']);
  });

  it('reads that a subscription was changed', () => {
    const text = `<event ${NS}><subscription node='n' jid='horatio@denmark.lit' subscription='none'/></event>`;
    const event = pubsubEventFromXml(elementOf(text));
    assert.deepEqual(event, {
      type: 'subscription',
      nodeId: 'n',
      jid: 'horatio@denmark.lit',
      state: 'none',
    });
    assert.deepEqual(canonical(elementOf(pubsubEventToXml(event).toString())), canonical(elementOf(text)));
  });

  it('knows no other event', () => {
    for (const other of ['subscription', 'configuration', 'collection']) {
      assert.equal(pubsubEventFromXml(elementOf(`<event ${NS}><${other} node='n'/></event>`)), undefined);
    }
  });
});
