/**
 * Which tests hold what an attacker did once, with a key, without one, or as another user of the same machine: by file, and
 * by the test's name as it stands there (rows.test.ts). What many requests at once do to others
 * is measured by `npm run bench -- neighbours`.
 */
import type { Row } from './rows.ts'

const VALIDATION = 'test/http/validation.test.ts'
const START = 'test/system/start.test.ts'
const STORE_ACCESS = 'test/embedded/eventstore/access.test.ts'
const OWN_USER = 'test/runtime/own-user.test.ts'
const SERVED = 'test/sample/http.test.ts'
const LIMITS = 'test/http/limits.test.ts'
const TENANTS = 'test/http/tenant-use.test.ts'
const CALL_BOUNDS = 'test/http/rungate/bounds.test.ts'
const TURNS = 'test/http/turns.test.ts'
const SERVER = 'test/http/server.test.ts'
const CURSOR = 'test/http/cursor.test.ts'
const AUDITORS = 'test/http/audit/access.test.ts'
const AUDIT_GATE = 'test/http/audit/gate.test.ts'
const ROTATION = 'test/http/noctant/rotate-api-key.test.ts'
const OPERATOR = 'test/commands/noctant/operator.test.ts'
const DIRECTORY = 'test/api-keys/key-directory.test.ts'
const SCOPE = 'test/audit/scope.test.ts'
const HIDDEN = 'test/audit/hidden.test.ts'
const SEALING = 'test/audit/sealing.test.ts'
const SECRETS = 'test/vault/rotation.test.ts'
const HEALTH = 'test/http/health.test.ts'
const POSTGRES = 'test/embedded/postgres.test.ts'

export const attackRows: readonly Row[] = [
  {
    row: 1,
    fault: 'bodies whose elements are checked before their number, refusals that list every fault',
    tests: [
      [VALIDATION, 'is refused by its length alone, before any of its elements is looked at'],
      [VALIDATION, 'a refusal lists at most 20 faults, names three and counts the rest'],
      ['test/http/bounded-bodies.test.ts', '%s has its lengths bounded before its elements'],
      [
        'test/http/json.test.ts',
        'takes a bounded number of values and marks, whatever they are and however long the text is',
      ],
      [SERVER, 'cuts off a client that takes nothing of its answer, and no client that waits for one'],
      [LIMITS, 'of all callers have a bound too, beyond which each has an equal part, and who takes them is served'],
      [LIMITS, 'that are whole are to be taken in time, else their client is cut off; others come as they are taken'],
      [LIMITS, 'are not made for a client that has gone'],
    ],
  },
  {
    row: 2,
    fault: 'another user of the machine at the embedded event store, the local mailbox or the stand-ins',
    tests: [
      [STORE_ACCESS, 'nothing is appended'],
      [STORE_ACCESS, 'the node is neither ended nor scavenged, and tells nothing of the log'],
      [OWN_USER, 'a connection of another user is not'],
      ['test/processes/rungate/mail.test.ts', 'is shown to no other user of this machine'],
      ['test/embedded/llm.test.ts', 'is ordered by no other user of this machine, nor shows it what was asked'],
      ['test/embedded/stripe.test.ts', 'are closed to what another user orders'],
      [
        'test/embedded/market/prices.test.ts',
        'is open to the own user, and to no other one of this machine where the kernel tells',
      ],
      ['test/engine/order-entry.test.ts', 'is asked for by %s'],
      [OWN_USER, 'a connection that its owner has closed is nobody’s: the kernel says user 0 of it'],
      [START, 'says that NATS cannot be reached, and ends, and says so, when its event store has ended'],
    ],
  },
  {
    row: 3,
    fault: 'bodies that are read before anybody knows whose they are',
    tests: [
      [SERVED, 'is not waited for where the request is refused without it: the connection closes'],
      [SERVED, 'is asked for, by a client that waits, only once the request is known to be allowed'],
      [LIMITS, 'are bounded by address and in all, and give their room back'],
      [
        'test/http/firsthand/stripe-webhook.test.ts',
        'whose header is no signature of now is refused, and counted, before its body is read',
      ],
      [
        'test/http/firsthand/stripe-webhook.test.ts',
        'is not read, however it is signed, once its address has made up so many signatures',
      ],
      ['test/http/firsthand/work-page.test.ts', 'reads no form of a browser that is not signed in'],
      [CALL_BOUNDS, 'holds half of the bytes of bodies at most: another one is served meanwhile'],
    ],
  },
  {
    row: 4,
    fault: 'a key that takes the event loop within its rate limit',
    tests: [
      [TENANTS, 'is a share of a window that slides, and Retry-After says when it is free again'],
      [TENANTS, 'goes on one request a turn of the event loop, and others do not wait'],
      [TENANTS, 'are read a few at a time while others ask, and the rest in turn'],
      [CALL_BOUNDS, 'has half of the calls under way at most: another one is served meanwhile'],
      ['test/sample/tenant-use.test.ts', 'what a list does with its rows counts, and so does its answer'],
      [
        'test/sample/tenant-use.test.ts',
        'counts with the time of what it does, and is refused beyond its tenant’s share',
      ],
      ['test/sample/tenant-use.test.ts', 'a long answer is sent whole, and its bytes count for whoever asked'],
      [TURNS, 'wait for what their address was sent, too'],
      [TURNS, 'takes it by what is sent, too'],
      [TURNS, 'takes one of each caller in turn, whatever the others have waiting'],
      [TURNS, 'has one request begun in a turn while others ask'],
      [TURNS, 'waits while a request of somebody who takes little is under way, but not for long'],
      [LIMITS, 'a refusal comes at once, and late to who insists'],
      [SERVED, 'who insists beyond its rate hears of that later, and others meanwhile are served'],
    ],
  },
  {
    row: 5,
    fault: 'audit cursors that anybody can write',
    tests: [
      [CURSOR, 'a cursor that was altered, made up, or belongs to another key, question or instance does not open'],
      [AUDITORS, 'learns nothing from a cursor, be it made with another key or made up'],
      [AUDITORS, 'is answered about another’s things as about things that do not exist'],
      [SCOPE, 'another’s stream costs the same reads and questions as one that is not there, and is not read'],
      [SCOPE, 'only what was admitted is counted'],
    ],
  },
  {
    row: 6,
    fault: 'audit reads past their budget, and places that one auditor takes from all',
    tests: [
      ['test/http/audit/states.test.ts', 'is the same however many requests it takes'],
      ['test/http/audit/states.test.ts', 'is refused where it is made of more events than one request may read'],
      [AUDIT_GATE, 'a tenant that asks much takes neither every place nor every turn'],
      [AUDIT_GATE, 'who waits too long, and who is one too many, is refused and takes no place later'],
      ['test/audit/scan.test.ts', 'others have a turn behind each event that takes long'],
    ],
  },
  {
    row: 7,
    fault: 'a leaked key that outlives its revocation',
    tests: [
      [ROTATION, 'ten times at once leaves one new key that works'],
      [ROTATION, 'is refused while as many keys of the operator work as may, and leaves the old key as it was'],
      [OPERATOR, 'is undone by revoking the key: what was made from it goes too, unless it is spared'],
      [
        'test/commands/firsthand/organization.test.ts',
        'takes what was made from it by rotation along when it is revoked, unless that is spared',
      ],
      [
        'test/commands/firsthand/organization.test.ts',
        'takes what was made with it along when it is revoked, and what was made with that',
      ],
      [
        'test/http/rungate/accounts.test.ts',
        'that is revoked takes along what was made with it, but for a token that asks',
      ],
      ['test/http/rungate/rates.test.ts', 'an account has so many admin tokens, and makes so many in a minute'],
      [DIRECTORY, 'forgets a key that was revoked, and knows it no more after a second event of it'],
      [DIRECTORY, 'forgets a key whose time has come, though no event says so'],
    ],
  },
  {
    row: 8,
    fault: 'a log whose end was cut off, or whose events are hidden',
    tests: [
      [HIDDEN, 'metadata that shorten a stream, and deletes, are named with the stream; the heartbeats’ own are not'],
      [HIDDEN, 'a stream whose read ends before its last event is named'],
      [SEALING, 'the process seals at its interval, one of several at a time'],
      [
        SEALING,
        'nothing is sealed before its interval is over, by a process that starts anew neither; each seal is offered and posted',
      ],
      [
        'test/system/sealing.test.ts',
        'each seal is in the file and was posted, and between two of them is the interval',
      ],
      [
        'test/processes/health.test.ts',
        'a process is down that has halted, and so is one that goes on beside a fault, as sealing over an altered log',
      ],
      [SEALING, 'the file gets every seal once, also those that it missed'],
      [SEALING, 'every seal is posted, signed and in order, and again under its id where it was not taken'],
      ['test/cli/audit.test.ts', 'verifies, seals, and notices a log that ends before a seal kept elsewhere'],
      ['test/audit/verify.test.ts', 'notices that the tail was cut off, a forged figure, and another key'],
    ],
  },
  {
    row: 9,
    fault: 'a sealing key that cannot be replaced',
    tests: [
      [SECRETS, 'seals everything anew; the old key is not needed any more, and every key is what it was'],
      [SECRETS, 'goes on where a killed one ended, and nothing is lost in between'],
      [SECRETS, 'goes on under traffic of processes that have not heard of it'],
    ],
  },
  {
    row: 10,
    fault: 'files that every user of the machine can read',
    tests: [
      [START, 'closes a data directory to others that was open to them'],
      [START, 'that npm started keeps keys, files and figures to itself, and is ended by the signal that npm gets'],
      ['test/vault/secrets-key.test.ts', 'is refused where others may read it'],
    ],
  },
  {
    row: 11,
    fault: 'what is dear and asks for no key',
    tests: [
      [HEALTH, 'is asked for at most once a second, and its figures too, however many ask'],
      [HEALTH, 'has nothing but /healthz on the public address where it has an address of its own'],
      [SERVED, 'have a bound by the minute and client address; those with a key go on'],
      [SERVED, 'comes compressed to clients that take it so, and is the same'],
      [SERVER, 'takes few requests ahead of their answers, answers those, closes, and serves others meanwhile'],
      [SERVER, 'takes nothing more apart of a connection that floods it'],
      [
        SERVER,
        'takes few requests of a caller ahead of answers, on however many connections, and closes those with more',
      ],
      [SERVER, 'begins none that stand behind one whose client has gone, and has room for others then'],
      [SERVER, 'closes a connection whose request comes too soon, without a look at those behind it'],
      [START, 'that npm started keeps keys, files and figures to itself, and is ended by the signal that npm gets'],
      [SERVER, 'closes what one address opens beyond its share, until another of its connections has closed'],
      [LIMITS, 'that are not taken are counted for the caller, who is refused beyond a bound until they are'],
      [TURNS, 'refuses what one caller has waiting beyond its bound'],
      [TURNS, 'wait for what is reckoned for each of them, and for each connection, too'],
      [TURNS, 'are begun one in a turn of each address while others ask'],
      [TURNS, 'wait once their address has taken its share while others ask, and are begun as it grows'],
    ],
  },
  {
    row: 12,
    fault: 'positions that tell how much the others write',
    tests: [
      [LIMITS, 'a position says nothing of the log, and is another text each time'],
      [AUDITORS, 'is shown no position in the log, which all share, and finds none out by trying'],
    ],
  },
  {
    row: 13,
    fault: 'a used link that shows the whole return URL',
    tests: [
      [
        'test/http/noctant/launch-sessions.test.ts',
        'that opens nothing any more shows the origin of its return URL, never path or query',
      ],
    ],
  },
  {
    row: 14,
    fault: 'repeats of old keys that read their stream from the start',
    tests: [
      [
        'test/commands/handle.test.ts',
        'of long ago, repeated, reads a small part of its stream, and gets the answer of then, after a restart too',
      ],
    ],
  },
  {
    row: 15,
    fault: 'old libraries in the embedded Postgres',
    tests: [
      [POSTGRES, 'finds installed servers of 14 to 18 on the PATH and where distributions keep them, the newest first'],
      [POSTGRES, 'an installed server comes before the one that npm brought, or behind it, as is asked for'],
      [POSTGRES, 'what is preferred makes the cluster, and is named beside it'],
    ],
  },
  {
    row: 16,
    fault:
      'forged hosts, cookies without Secure, other hosts in /docs, products without a bound, settings that are none',
    tests: [
      ['test/config.test.ts', 'is none on "%s"'],
      [SERVED, 'a request with two Host headers is refused, whatever they say'],
      [START, 'that npm started keeps keys, files and figures to itself, and is ended by the signal that npm gets'],
      [
        'test/http/noctant/launch-sessions.test.ts',
        'a browser’s session ends after its time, and one behind https keeps its cookie to it',
      ],
      ['test/http/noctant/app.test.ts', 'serves /docs from this host alone, readable without scripts'],
      [
        'test/http/noctant/products.test.ts',
        'bounds the metadata of all products together, for a list shows them; small ones and repeats are taken',
      ],
      ['test/readme.test.ts', 'and every other document name settings that exist'],
    ],
  },
]
