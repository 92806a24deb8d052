// Asks our VC-API (cmd/vcapi) what the W3C's eddsa suites ask of one, with
// Digital Bazaar's libraries on the other side: what we sign verifies there,
// what they sign verifies here, and what was changed does not.
// Runs from the folder of the verifier, whose libraries they are:
//
//   cp .ci/vcapi.mjs VERIFIER && go run -tags vcapi ./cmd/vcapi node VERIFIER/vcapi.mjs
import jsigs from 'jsonld-signatures';
import * as Ed from '@digitalbazaar/ed25519-multikey';
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import {cryptosuite as rdfc} from '@digitalbazaar/eddsa-rdfc-2022-cryptosuite';
import * as jcs from '@digitalbazaar/eddsa-jcs-2022-cryptosuite';
import {makeLoader} from './lib/contexts.mjs';

const base = process.env.VCAPI_URL;
const documentLoader = makeLoader();
const purpose = () => new jsigs.purposes.AssertionProofPurpose();
const key = await Ed.generate({seed: new Uint8Array(32).fill(7)});
const did = `did:key:${key.publicKeyMultibase}`;
key.id = `${did}#${key.publicKeyMultibase}`;
key.controller = did;
const signing = {rdfc: () => rdfc, jcs: jcs.createSignCryptosuite}, verifying = {rdfc: () => rdfc, jcs: jcs.createVerifyCryptosuite};

async function call(suite, operation, body) {
  const answer = await fetch(`${base}/${suite}/credentials/${operation}`, {
    method: 'POST', headers: {'content-type': 'application/json'}, body: JSON.stringify(body)});
  return {status: answer.status, body: await answer.json()};
}
const clone = value => JSON.parse(JSON.stringify(value));
const credentials = {
  'VC 2.0': {
    '@context': ['https://www.w3.org/ns/credentials/v2'], id: 'urn:uuid:86294362-4254-4f36-854f-3952fe42555d',
    type: ['VerifiableCredential'], issuer: did, validFrom: '2026-01-01T00:00:00Z', credentialSubject: {id: 'did:example:alice', name: 'Zoë 🐝'},
  },
  'VC 2.0 without dates': {
    '@context': ['https://www.w3.org/ns/credentials/v2'], type: ['VerifiableCredential'], issuer: did, credentialSubject: {name: 'Alice'},
  },
  'VC 1.1': {
    '@context': ['https://www.w3.org/2018/credentials/v1', 'https://w3id.org/security/data-integrity/v2'],
    id: 'urn:uuid:86294362-4254-4f36-854f-3952fe42555d', type: ['VerifiableCredential'], issuer: {id: did},
    issuanceDate: '2026-01-01T00:00:00Z', credentialSubject: {id: 'did:example:alice'},
  },
};
// Without a word for proofs of this kind: the issuer adds the context that has it.
const bare = {
  '@context': ['https://www.w3.org/2018/credentials/v1'], type: ['VerifiableCredential'], issuer: did,
  issuanceDate: '2020-03-16T22:37:26.544Z', credentialSubject: {id: 'did:example:alice'},
};
// What makes a signed credential worthless, each by itself.
const harms = {
  'no proof': c => { delete c.proof; },
  'proof is null': c => { c.proof = null; },
  'no type': c => { delete c.proof.type; },
  'another type': c => { c.proof.type = 'UnknownProofType'; },
  'no verificationMethod': c => { delete c.proof.verificationMethod; },
  'verificationMethod of another': c => { c.proof.verificationMethod = 'did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2#z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2'; },
  'verificationMethod is no address': c => { c.proof.verificationMethod = 'invalid:vm'; },
  'no proofPurpose': c => { delete c.proof.proofPurpose; },
  'another proofPurpose': c => { c.proof.proofPurpose = 'authentication'; },
  'no proofValue': c => { delete c.proof.proofValue; },
  'proofValue is null': c => { c.proof.proofValue = null; },
  'proofValue without its base': c => { c.proof.proofValue = c.proof.proofValue.slice(1); },
  'proofValue in another base': c => { c.proof.proofValue = 'u' + c.proof.proofValue.slice(1); },
  'proofValue is longer': c => { c.proof.proofValue += '2222222222'; },
  'proofValue of another': c => { c.proof.proofValue = 'z' + [...c.proof.proofValue.slice(1)].reverse().join(''); },
  'another cryptosuite': c => { c.proof.cryptosuite = 'ecdsa-rdfc-2019'; },
  'no cryptosuite': c => { delete c.proof.cryptosuite; },
  'created moved': c => { c.proof.created = '2026-01-02T00:00:00Z'; },
  'created is no time': c => { c.proof.created = 'yesterday'; },
  'expires added': c => { c.proof.expires = '2026-01-02T00:00:00Z'; },
  'previousProof of nothing': c => { c.proof.previousProof = 'urn:uuid:38329df2-1179-11ef-abe9-6731d6fd16da'; },
  'subject changed': c => { c.credentialSubject.id = 'did:example:mallory'; },
  'member added': c => { c.credentialSubject.name = 'Mallory'; },
  'unknown member added': c => { c.credentialSubject.unknown = 'Mallory'; },
  'issuer changed': c => { c.issuer = 'did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2'; },
  'context taken away': c => { c['@context'] = c['@context'].slice(1); },
};

let passed = 0, failed = 0;
function test(what, ok, found) {
  ok ? passed++ : failed++;
  if (!ok) console.log(`FAIL ${what}: ${JSON.stringify(found)?.slice(0, 300)}`);
}
for (const suite of ['rdfc', 'jcs']) {
  const cryptosuite = {rdfc: 'eddsa-rdfc-2022', jcs: 'eddsa-jcs-2022'}[suite];
  for (const [age, credential] of Object.entries(credentials)) {
    const name = what => `${cryptosuite}, ${age}: ${what}`;
    const issued = await call(suite, 'issue', {credential: clone(credential)});
    test(name('is issued'), issued.status === 201, issued);
    const proof = issued.body.proof ?? {};
    test(name('the proof has its form'), proof.type === 'DataIntegrityProof' && proof.cryptosuite === cryptosuite &&
      proof.proofPurpose === 'assertionMethod' && /^z[1-9A-HJ-NP-Za-km-z]{86,88}$/.test(proof.proofValue) &&
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(proof.created) && proof.verificationMethod.startsWith(process.env.VCAPI_DID + '#'), proof);
    const theirs = await jsigs.verify(clone(issued.body), {
      suite: [new DataIntegrityProof({cryptosuite: verifying[suite]()})], purpose: purpose(), documentLoader});
    test(name('ours verifies there'), theirs.verified, theirs.error?.errors?.map(e => e.message));
    test(name('ours verifies here'), (await call(suite, 'verify', {verifiableCredential: issued.body})).status === 200);
    const signed = await jsigs.sign(clone(credential), {
      suite: new DataIntegrityProof({signer: key.signer(), cryptosuite: signing[suite]()}), purpose: purpose(), documentLoader});
    const here = await call(suite, 'verify', {verifiableCredential: signed});
    test(name('theirs verifies here'), here.status === 200, here);
    for (const [harm, change] of Object.entries(harms)) {
      const harmed = clone(signed);
      change(harmed);
      const answer = await call(suite, 'verify', {verifiableCredential: harmed});
      test(name(harm), answer.status === 400 && answer.body.verified === false, answer);
    }
    for (const [created, status] of [['yesterday', 400], ['2026-01-01T00:00:00', 200]]) {
      const integrity = new DataIntegrityProof({signer: key.signer(), cryptosuite: signing[suite]()});
      integrity.date = created; // as it stands: given to the constructor it would be made a time
      const dated = await jsigs.sign(clone(credential), {suite: integrity, purpose: purpose(), documentLoader});
      const answer = await call(suite, 'verify', {verifiableCredential: dated});
      test(name(`created ${dated.proof.created}, and signed`), answer.status === status && dated.proof.created === created, {answer, proof: dated.proof});
    }
    const other = await call(suite, 'verify', {verifiableCredential: signed, options: {expectedProofPurpose: 'authentication'}});
    test(name('another purpose expected'), other.status === 400, other);
    const domain = await call(suite, 'verify', {verifiableCredential: signed, options: {domain: 'domain.example', challenge: '1235abcd6789'}});
    test(name('a domain expected'), domain.status === 400, domain);
    const wrong = await call({rdfc: 'jcs', jcs: 'rdfc'}[suite], 'verify', {verifiableCredential: signed});
    test(name('at the other suite'), wrong.status === 400, wrong);
  }
  const given = await call(suite, 'issue', {credential: bare});
  test(`${cryptosuite}: a credential 1.1 is given the context of proofs`, given.status === 201 &&
    given.body['@context'].join() === [...bare['@context'], 'https://w3id.org/security/data-integrity/v2'].join() &&
    (await call(suite, 'verify', {verifiableCredential: given.body})).status === 200, given);
  for (const [what, change] of Object.entries({
    'no @context': c => { delete c['@context']; }, 'no type': c => { delete c.type; }, 'no issuer': c => { delete c.issuer; },
    'no credentialSubject': c => { delete c.credentialSubject; }, 'subject is a text': c => { c.credentialSubject = 'alice'; },
  })) {
    const bad = clone(credentials['VC 2.0']);
    change(bad);
    test(`${cryptosuite}: refuses to issue with ${what}`, (await call(suite, 'issue', {credential: bad})).status === 400);
  }
}
console.log(`${failed ? 'FAIL' : 'ok  '} vc-api: ${passed} of ${passed + failed}`);
process.exit(failed ? 1 : 0);
