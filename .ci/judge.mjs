// Judges the records that are not Verifiable Credentials, with the modules of
// an independent verifier. Usage: node judge.mjs VERIFIER FILE...
//
// verify.mjs itself says no to these kinds: it asks for a Verifiable Credential,
// and checks an unchained eddsa-jcs-2022 proof with Digital Bazaar's suite as
// well, which cannot take a @context array that holds an object, as ours does.
// So the same modules are asked the two questions that remain: is it JSON-LD in
// safe mode, with the bundled contexts alone; and does every jcs proof verify,
// with what it chains to, by an implementation written from the Recommendation.
import fs from 'node:fs';
import path from 'node:path';
import {pathToFileURL} from 'node:url';

const [verifier, ...files] = process.argv.slice(2);
if (!verifier || !files.length) {
  console.error('usage: node judge.mjs VERIFIER FILE...');
  process.exit(2);
}
const load = name => import(pathToFileURL(path.resolve(verifier, name)));
const {verifyJcsProof} = await load('lib/jcs.mjs');
const {safeExpand} = await load('lib/rdfc.mjs');
const {makeLoader} = await load('lib/contexts.mjs');
const {parseVerificationMethod} = await load('lib/didkey.mjs');
const {parseStrict} = await load('verify.mjs');

// Who may sign: everybody the document names as its author or successor.
const signers = doc => [doc.id, doc.creator?.id, doc['essaim:author'], doc['essaim:from'], doc['essaim:to']]
  .filter(s => typeof s === 'string' && s.startsWith('did:key:'));

async function faults(file) {
  const doc = parseStrict(new TextDecoder('utf-8', {fatal: true}).decode(fs.readFileSync(file)));
  const out = [];
  const expanded = await safeExpand(doc, makeLoader());
  if (!expanded.ok) out.push(`not JSON-LD in safe mode: ${expanded.error}`);
  if (expanded.ok && expanded.nodes !== 1) out.push(`expands to ${expanded.nodes} nodes`);
  const proofs = Array.isArray(doc.proof) ? doc.proof : [];
  if (!proofs.length) out.push('no proof');
  proofs.forEach((proof, i) => {
    try {
      if (proof.cryptosuite !== 'eddsa-jcs-2022') throw new Error(`suite ${proof.cryptosuite}`);
      if (proof.proofPurpose !== 'assertionMethod') throw new Error(`purpose ${proof.proofPurpose}`);
      if (JSON.stringify(proof['@context']) !== JSON.stringify(doc['@context'])) throw new Error('another @context than the document');
      // The first stands alone, each other one names the one before.
      if (proof.previousProof !== (i ? proofs[i - 1].id : undefined)) throw new Error('breaks the chain');
      const {controller} = parseVerificationMethod(proof.verificationMethod);
      if (!signers(doc).includes(controller)) throw new Error(`signed by ${controller}, whom the document does not name`);
      if (!verifyJcsProof(doc, proof).verified) throw new Error('the signature does not verify');
      // And it must notice: the same proof over another document fails.
      if (verifyJcsProof({...doc, 'essaim:territory': ['iso:FR-00']}, proof).verified) throw new Error('the signature verifies over anything');
    } catch (e) {
      out.push(`proof ${i}: ${e.message}`);
    }
  });
  return out;
}

let bad = 0;
for (const file of files) {
  const found = await faults(file).catch(e => [e.message]);
  if (found.length) bad++;
  console.log(`${found.length ? 'FAIL' : 'ok  '} ${path.basename(file)}${found.map(f => `\n       ${f}`).join('')}`);
}
process.exit(bad ? 1 : 0);
