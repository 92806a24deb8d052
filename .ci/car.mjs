// Reads a bundle with an implementation of CAR and DAG-CBOR that is not ours.
// Usage: node car.mjs FILE, itself in a folder where npm put @ipld/car and
// @ipld/dag-cbor.
import fs from 'node:fs';
import {createHash} from 'node:crypto';
import {CarReader} from '@ipld/car';
import * as cbor from '@ipld/dag-cbor';

const reader = await CarReader.fromBytes(fs.readFileSync(process.argv[2]));
const [root, ...more] = await reader.getRoots();
if (more.length) throw new Error('more than one root');
const named = [];
const block = async cid => {
  const b = await reader.get(cid);
  if (!b) throw new Error(`${cid}: not in the file`);
  if (!createHash('sha256').update(b.bytes).digest().equals(Buffer.from(cid.multihash.digest))) throw new Error(`${cid}: other bytes`);
  return b.bytes;
};
const contents = cbor.decode(await block(root));
if (!Buffer.from(cbor.encode(contents)).equals(Buffer.from(await block(root)))) throw new Error('the root is not in its one form');
for (const part of contents.parts) named.push(...cbor.decode(await block(part)));
for (const cid of named) JSON.parse(new TextDecoder().decode(await block(cid)));
let blocks = 0;
for await (const _ of reader.blocks()) blocks++;
if (contents.records !== named.length || blocks !== named.length + contents.parts.length + 1) throw new Error('contents and blocks differ');
console.log(JSON.stringify({...contents, parts: contents.parts.length}), named.map(String).join(' '));
