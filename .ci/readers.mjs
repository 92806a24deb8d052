// Reads badges that left a node with programs written by others, long before
// ours: Mozilla's bakery for the older payload, its PNG library for the newer
// one, Digital Bazaar's decoder for a status list.
// Usage: node readers.mjs NODE_MODULES FOLDER
import fs from 'node:fs';
import path from 'node:path';
import {createRequire} from 'node:module';
import {pathToFileURL} from 'node:url';

const [modules, folder] = process.argv.slice(2);
if (!modules || !folder) {
  console.error('usage: node readers.mjs NODE_MODULES FOLDER');
  process.exit(2);
}
const require = createRequire(path.resolve(modules, 'x'));
const bakery = require('openbadges-bakery');
const itxt = require('png-itxt');
const lists = await import(pathToFileURL(require.resolve('@digitalbazaar/vc-bitstring-status-list')));

const file = name => path.join(folder, name);
const text = name => fs.readFileSync(file(name), 'utf8');
const older = name => new Promise((resolve, reject) =>
  bakery.extract(fs.readFileSync(file(name)), (err, found) => err ? reject(err) : resolve(String(found))));
const newer = name => new Promise((resolve, reject) => {
  fs.createReadStream(file(name)).on('error', reject)
    .pipe(itxt.get('openbadgecredential', (err, found) => err ? reject(err) : resolve(found?.value)));
});

let failed = 0;
function same(what, got, want) {
  console.log(got === want ? `ok   ${what}` : `FAIL ${what}: ${String(got).slice(0, 200)}`);
  if (got !== want) failed = 1;
}
const assertion = text('both.ob2');
same('both.png, 2.0 by openbadges-bakery', await older('both.png'), assertion);
same('both.svg, 2.0 by openbadges-bakery', await older('both.svg'), assertion);
same('both.png, 3.0 by png-itxt', await newer('both.png'), text('both.json'));
same('alone.png, 3.0 by png-itxt', await newer('alone.png'), text('both.json'));
const list = await lists.decodeList(JSON.parse(text('list.json')).credentialSubject);
same('list.json by vc-bitstring-status-list', list.length, 131072);
same('list.json, place of the revoked badge', list.getStatus(Number(text('list.place'))), true);
let set = 0;
for (let i = 0; i < list.length; i++) set += list.getStatus(i);
same('list.json, places set', set, 1);
process.exit(failed);
