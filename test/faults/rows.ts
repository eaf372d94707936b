/**
 * Which tests prove which row of the table of faults: by file, and by the test's name as it stands there. rows.test.ts
 * holds that each of them exists; what each was seen to fail with is said where it stands.
 */

export interface Row {
  row: number
  fault: string
  tests: readonly (readonly [file: string, name: string])[]
}

const CRASHES = 'test/faults/crash-points.fault.ts'
const MESSAGES = 'test/faults/messages.fault.ts'
const ROLES = 'test/faults/roles.fault.ts'
const NEMESIS = [
  'test/faults/nemesis.fault.ts',
  'four operators under faults of every kind lose and double nothing',
] as const
const CLOCK = 'test/faults/clock.fault.ts'
const DISK = 'test/faults/disk.fault.ts'
const INGEST = 'test/processes/noctant/engine-ingest.test.ts'
const WEBHOOKS = 'test/processes/noctant/webhooks.test.ts'
const WEBHOOK_REQUEST = 'test/webhooks/request.test.ts'
const HOSTILE = 'test/http/noctant/hostile.test.ts'
const GENERATED = ['test/suites/hostile.ts', 'holds against hostile requests'] as const
const JSON_TEXT = 'test/http/json.test.ts'
const RANDOM_KILLS =
  'rows 3 and 6: relay, engine, projector and API killed at random under load lose and double nothing'

export const rows: readonly Row[] = [
  {
    row: 1,
    fault: 'API killed before the append',
    tests: [[CRASHES, 'row 1: killed before the append leaves no trace, and the retry runs fresh']],
  },
  {
    row: 2,
    fault: 'API killed after the append, before the answer',
    tests: [
      [CRASHES, 'row 2: killed between the append and the answer gives the retry the answer of then'],
      [ROLES, 'row 2: killed after the append and before the answer, gives the retry the original answer'],
      [
        'test/commands/handle.test.ts',
        'gets its recorded answer from another process, and the state of then, not of now',
      ],
    ],
  },
  {
    row: 3,
    fault: 'relay killed before or after a publish, before or after recording the PubAck',
    tests: [
      [CRASHES, 'row 3: killed at %s sends every command in order, and the engine decides each once'],
      [ROLES, 'row 3: the relay killed between publish and record publishes again; the engine decides once'],
      [ROLES, RANDOM_KILLS],
      [
        'test/processes/noctant/relay.test.ts',
        'does a batch again after a crash without a second message or a second record',
      ],
    ],
  },
  {
    row: 4,
    fault: 'projector killed in mid batch',
    tests: [
      [CRASHES, 'row 4: killed at $at takes rows and checkpoint back together'],
      [ROLES, 'rows 4 and 10: killed, and cut off from Postgres, in the middle of work, leaves no gap'],
      ['test/projections/writer.test.ts', 'does not move without its rows when the connection breaks in mid batch'],
    ],
  },
  {
    row: 5,
    fault: 'webhook delivery killed after the POST',
    tests: [
      [CRASHES, 'row 5: killed at $at records the attempt as unknown and sends again under the same id'],
      ['test/system/webhook-kill.test.ts', 'a delivery survives kill -9 between the request and the record'],
    ],
  },
  {
    row: 6,
    fault: 'engine killed before or after its fsync',
    tests: [
      [CRASHES, 'row 6: killed at $at decides the command once, and says so'],
      [ROLES, RANDOM_KILLS],
      ['test/engine/wal.test.ts', 'loses no acknowledged decision, and each command is decided once over all restarts'],
      ['test/engine/wal.test.ts', 'cut anywhere in its newest part opens as a whole number of commits'],
    ],
  },
  {
    row: 7,
    fault: 'event store unreachable in mid append',
    tests: [
      [ROLES, 'row 7: without the event store writes are 503 with Retry-After, and nothing is written'],
      [MESSAGES, 'row 7: is 503 in time to whoever writes, and nothing is written'],
    ],
  },
  {
    row: 8,
    fault: 'append acknowledged, answer lost',
    tests: [
      [ROLES, 'row 8: an append whose answer is lost succeeds all the same, once'],
      [CRASHES, 'row 8: killed at %s under an append, the client gets it in once'],
      [
        'test/embedded/eventstore/durability.test.ts',
        'an append at %s whose answer the kill swallowed is repeated without a double',
      ],
    ],
  },
  {
    row: 9,
    fault: 'true revision conflict',
    tests: [
      [MESSAGES, 'row 9: one that is overtaken three times decides again on the truth each time'],
      [MESSAGES, 'row 9: one that is overtaken four times is 409, and has written nothing'],
      ['test/commands/handle.test.ts', 'gives up after its bound of conflicts, having written nothing'],
    ],
  },
  {
    row: 10,
    fault: 'Postgres restarts in mid batch',
    tests: [
      [ROLES, 'rows 4 and 10: killed, and cut off from Postgres, in the middle of work, leaves no gap'],
      [
        'test/projections/projector.test.ts',
        'loses nothing and doubles nothing while its connections are cut again and again',
      ],
      ['test/faults/postgres.fault.ts', 'Postgres ends in mid batch, twice, and nothing is missing or doubled'],
      NEMESIS,
    ],
  },
  {
    row: 11,
    fault: 'Postgres down at a request',
    tests: [
      [ROLES, 'row 11: without Postgres reads are 503, and a write is done or refused, never half'],
      [
        'test/http/noctant/app.test.ts',
        'without Postgres answers reads with 503 and Retry-After, and takes writes still',
      ],
    ],
  },
  {
    row: 12,
    fault: '40001 / 40P01',
    tests: [
      [MESSAGES, 'row 12: a batch that ends in a deadlock is written again at once, without starting over'],
      ['test/postgres/database.test.ts', 'a deadlock is resolved by running the transaction again'],
      ['test/postgres/database.test.ts', 'a transaction that keeps failing is given up after its attempts'],
    ],
  },
  {
    row: 13,
    fault: 'NATS down',
    tests: [
      [ROLES, 'row 13: without NATS commands are accepted and wait, and drain in order when it is back'],
      [
        'test/http/noctant/app.test.ts',
        'is degraded, and still serves, where something is down that it can do without',
      ],
    ],
  },
  {
    row: 14,
    fault: 'redelivery, or a duplicate after the dedupe window',
    tests: [
      [MESSAGES, 'row 14: one that comes again, within the window of the broker and after it, is decided once'],
      ['test/engine/service.test.ts', 'a command whose acknowledgement is lost comes again and changes nothing'],
      [
        'test/engine/service.test.ts',
        'a command sent again is decided once and answered by its recorded events, also after a restart',
      ],
    ],
  },
  {
    row: 15,
    fault: 'PubAck lost, or a duplicate',
    tests: [
      [MESSAGES, 'row 15: one whose PubAck is lost is published again, and the duplicate counts as success'],
      ['test/engine/service.test.ts', 'an event whose receipt is lost is not stored twice'],
    ],
  },
  {
    row: 16,
    fault: 'a PubAcked message lost',
    tests: [[ROLES, 'row 16: a command that the stream acknowledged and lost is sent again']],
  },
  {
    row: 17,
    fault: 'engine confirmation lost',
    tests: [
      [ROLES, 'row 17: a confirmation that was lost is given again'],
      [CRASHES, 'row 17: killed at %s, with a confirmation in its hands, takes it over once'],
    ],
  },
  {
    row: 18,
    fault: 'confirmation duplicated, out of order, contradictory',
    tests: [
      [MESSAGES, 'row 18: that comes backwards and twice is recorded once and in the order of its log'],
      [MESSAGES, 'row 18: with a gap in it waits, says so, and is asked for again'],
      [MESSAGES, 'row 18: that contradicts the record is set aside for people, and the record stands'],
      [INGEST, 'records each event once, in order, under its own id, however often it is delivered'],
      [INGEST, 'sets a message aside that does not fit the contract, and goes on with the account'],
    ],
  },
  {
    row: 19,
    fault: 'clock off or going backwards',
    tests: [
      [CLOCK, 'each process tells, and one metric says by how much'],
      [CLOCK, 'writes go through, and are recorded under the one clock'],
      [CLOCK, 'a command that the engine has not confirmed is sent again in time'],
      [CLOCK, 'the link of a launch can be used as long as it may, and no longer'],
      ['test/http/limits.test.ts', 'does not grow longer where its clock goes back'],
    ],
  },
  {
    row: 20,
    fault: 'disk full',
    tests: [
      [DISK, 'of the event store: 503 with Retry-After and nothing written, until there is space'],
      [DISK, 'of Postgres: writes go on, the read models stand still and catch up by themselves'],
      [DISK, 'of NATS: commands are accepted and wait, and readiness says why'],
      [DISK, 'of the engine: orders are 503, commands wait, and both go on when there is space'],
      ['test/embedded/nats-keeper.test.ts', 'publishes again, with all it had, once there is space'],
      [
        'test/embedded/eventstore/full-disk.test.ts',
        'a full disk fails appends and loses nothing; when there is space again they succeed',
      ],
      [
        'test/engine/wal.test.ts',
        'that cannot be written fails everyone in the commit, changes nothing, and goes on when it can',
      ],
    ],
  },
  {
    row: 21,
    fault: 'poison or unknown-version event',
    tests: [
      [
        'test/projections/projector.test.ts',
        'halts at poison in a projection that halts, says so, and lets another release try',
      ],
      ['test/projections/writer.test.ts', 'that $kind halts a projection that halts, after the events before it'],
      [
        'test/projections/writer.test.ts',
        'that $kind is parked with the rest of its stream; other streams and projections go on',
      ],
    ],
  },
  {
    row: 22,
    fault: 'two projectors',
    tests: [
      [ROLES, 'row 22: a zombie that wakes up beside its successor writes nothing'],
      ['test/projections/writer.test.ts', 'stops the second of two writers, which then writes nothing'],
      [
        'test/projections/projector.test.ts',
        'starts over when another writer has moved the checkpoint, and goes on from there',
      ],
    ],
  },
  {
    row: 23,
    fault: 'rebuild killed while writes go on',
    tests: [
      [CRASHES, 'row 23: killed at %s leaves the live tables serving, and is taken up by the next'],
      ['test/cli/projections.test.ts', 'may be killed at any moment and run again'],
      ['test/cli/projections.test.ts', 'never lets a reader see a wrong or a missing row, and ends with equal tables'],
      [
        'test/projections/rebuild.test.ts',
        'that was killed is resumed where it was, and the old tables serve meanwhile',
      ],
      ['test/projections/rebuild.test.ts', 'loses nothing that another process writes while it goes on'],
    ],
  },
  {
    row: 24,
    fault: 'slow webhook endpoint',
    tests: [
      [WEBHOOKS, 'holds up nobody else'],
      [WEBHOOK_REQUEST, 'ends at its deadline where the endpoint %s'],
    ],
  },
  {
    row: 25,
    fault: 'webhook 5xx, reset, timeout, 3xx, 410',
    tests: [
      [WEBHOOKS, 'is made again under the same id, each attempt in a row of its own'],
      [WEBHOOKS, 'with 410 disables the endpoint, and nothing goes there until it is enabled again'],
      [WEBHOOK_REQUEST, 'does not follow a redirect'],
      [WEBHOOK_REQUEST, 'tells a reset, a refusal, a protocol error and a lack of TLS apart'],
    ],
  },
  {
    row: 26,
    fault: 'webhook to an address of our own',
    tests: [
      ['test/webhooks/address.test.ts', '%s is not, or is none'],
      [WEBHOOK_REQUEST, '%s: the listener sees no connection'],
      [WEBHOOK_REQUEST, 'a name that resolves to %s'],
      [WEBHOOK_REQUEST, 'a name with one private address among public ones'],
    ],
  },
  {
    row: 27,
    fault: 'DNS rebinding',
    tests: [
      [WEBHOOK_REQUEST, 'is asked once, and the connection goes to what was vetted'],
      [WEBHOOK_REQUEST, 'is not given a second chance after an address that is refused'],
    ],
  },
  {
    row: 28,
    fault: 'huge or endless body',
    tests: [
      [HOSTILE, 'sent in chunks is answered with 413 and not read on'],
      [HOSTILE, 'announced by its length is answered with 413 before it comes'],
      [HOSTILE, 'leaves memory and other requests alone'],
    ],
  },
  {
    row: 29,
    fault: 'JSON nested 100,000 deep',
    tests: [
      [HOSTILE, '%s is refused with 400 and has no effect'],
      [JSON_TEXT, 'refuses %s in linear time'],
    ],
  },
  {
    row: 30,
    fault: 'duplicate keys, __proto__',
    tests: [
      [HOSTILE, '%s is refused with 400 and has no effect'],
      [JSON_TEXT, 'refuses %s, and says where'],
      GENERATED,
    ],
  },
  {
    row: 31,
    fault: 'invalid UTF-8, lone surrogates, NUL',
    tests: [
      [HOSTILE, '%s is refused with 400 and has no effect'],
      [HOSTILE, 'with %s is refused with 400: it holds %s'],
      [JSON_TEXT, 'refuses %s, and says where'],
      GENERATED,
    ],
  },
  {
    row: 32,
    fault: '9007199254740993 as an amount',
    tests: [
      [
        'test/http/noctant/accounts.test.ts',
        'takes an amount that no double holds from its source text: exact or refused, never rounded',
      ],
      [JSON_TEXT, 'keeps the number %s, which a double would round, as it was written'],
      ['test/projections/noctant/read-models.test.ts', 'keeps decimals that a double would round'],
    ],
  },
  {
    row: 33,
    fault: '100 concurrent sends of one request',
    tests: [
      ['test/http/noctant/users.test.ts', 'sent a hundred times at once creates one user, with one event'],
      [
        'test/http/noctant/accounts.test.ts',
        'sent a hundred times at once opens one account and gives the same account to all',
      ],
      [
        'test/commands/handle.test.ts',
        'sent 100 times at once to two processes is executed once, with 100 equal answers',
      ],
    ],
  },
  {
    row: 34,
    fault: 'one key, different bodies, racing',
    tests: [
      [
        'test/http/noctant/accounts.test.ts',
        'with different bodies racing under one id lets one win and answers 409 to the others',
      ],
      ['test/commands/handle.test.ts', 'of two contents racing for one key, one wins and the other is refused'],
    ],
  },
  {
    row: 35,
    fault: 'another tenant’s id',
    tests: [
      GENERATED,
      ['test/http/noctant/users.test.ts', 'of another operator is as absent as one that never was'],
      ['test/http/noctant/accounts.test.ts', 'never shows another operator’s accounts, whatever the cursor'],
      ['test/http/noctant/webhooks.test.ts', 'of another operator’s account is 404, the same as of none'],
    ],
  },
  {
    row: 36,
    fault: 'key revoked while a request is in flight',
    tests: [
      [MESSAGES, 'row 36: one that is revoked under its request lets that complete, and the next is 401'],
      [
        'test/http/noctant/auth.test.ts',
        'that is revoked stops working within a second, and its operator’s others go on',
      ],
    ],
  },
  {
    row: 37,
    fault: 'launch token redeemed 50 times at once',
    tests: [
      ['test/http/noctant/launch-sessions.test.ts', 'followed fifty times at once opens one session'],
      ['test/http/noctant/launch-sessions.test.ts', 'followed at several processes at once opens one session as well'],
    ],
  },
  {
    row: 38,
    fault: 'approve, reject, execute racing',
    tests: [
      [
        'test/http/noctant/payouts.test.ts',
        'approved, rejected and executed by thirty at once takes one legal way, and the rest get 409',
      ],
      [CRASHES, 'killed at %s debits the account once, and says so'],
    ],
  },
  {
    row: 39,
    fault: 'event store restored from an older backup',
    tests: [
      [
        'test/faults/restore.fault.ts',
        'an older event store is refused by all who follow it, until the right one is back',
      ],
      [
        'test/projections/projector.test.ts',
        'stands still at a log that does not have the checkpoint’s event, says why, and goes on at the right one',
      ],
      ['test/projections/whole-path.test.ts', 'an event store that was put back to an earlier day is refused'],
    ],
  },
  {
    row: 40,
    fault: 'a stored event edited, dropped or reordered on disk',
    tests: [
      [
        'test/faults/checker.fault.ts',
        'a byte of an event that was changed on disk, and what our own audit says of it',
      ],
      ['test/audit/verify.test.ts', 'finds any one byte that was changed in data, metadata or type of any event'],
      ['test/audit/verify.test.ts', 'names an event without a chain, and one that stands in the wrong place'],
      ['test/audit/damage.test.ts', 'is named with its stream and revision, and what is behind it is verified'],
    ],
  },
]
