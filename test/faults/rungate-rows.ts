/** Which tests prove which of rungate's faults, G1 to G16, as rows.ts has it for the kernel's. */
import type { Row } from './rows.ts'

const DESK = 'test/faults/rungate-desk.fault.ts'
const CALLS = 'test/faults/rungate-calls.fault.ts'
const RESTART = 'test/faults/rungate-restart.fault.ts'
const INPUTS = 'test/faults/rungate-inputs.fault.ts'
const DESKS = 'test/commands/rungate/desk/desks.test.ts'
const CRASHES = 'test/commands/rungate/desk/crashes.test.ts'
const ADMISSION = 'test/commands/rungate/desk/admission.test.ts'
const PROVIDERS = 'test/http/rungate/proxy-faults.test.ts'
const LIBRARIES = 'test/http/rungate/proxy-libraries.test.ts'
const CHANGES = 'test/http/rungate/proxy-changes.test.ts'
const SCAN = 'test/adapters/llm/call-scan.test.ts'
const TAPE = 'test/adapters/llm/json-tape.test.ts'
const WEBHOOK_REQUEST = 'test/webhooks/request.test.ts'
const KILLED =
  'row G1: killed before the reservation’s append has done nothing: no provider was asked, and nothing is set aside'
const RACE =
  'row G15: 1,000 calls at once against a budget for ten: ten are served, the rest is refused, nothing stays set aside'

export const rungateRows: readonly Row[] = [
  {
    row: 1,
    fault: 'kill -9 before the reservation’s append',
    tests: [
      [DESK, KILLED],
      [CRASHES, 'killed before the reservation’s append nothing has happened'],
    ],
  },
  {
    row: 2,
    fault: 'kill -9 between reservation and settlement',
    tests: [
      [CALLS, 'row G2: %s leaves what was set aside counted, until somebody says what it cost'],
      [CALLS, 'row G2: holds so much that nothing else fits, and the run ends with what may have been spent'],
      [
        RESTART,
        'row G2: a call under way when the instance is killed has expired as soon as it runs again, and is settled by hand',
      ],
      [CRASHES, 'killed %s the reservation holds until it expires, and is corrected once'],
      ['test/processes/rungate/run-sweeper.test.ts', 'a call past its time expires, and is under way no more'],
    ],
  },
  {
    row: 3,
    fault: 'kill -9 after the answer, before the settlement’s append',
    tests: [
      [CALLS, 'row G2: %s leaves what was set aside counted, until somebody says what it cost'],
      [CALLS, 'row G3: after the settlement’s append has left nothing to do'],
      [CALLS, 'row G3: between two books leaves the next one to whoever comes'],
      [CRASHES, 'killed after the settlement’s append it is settled'],
      [CRASHES, 'killed between two books the next one opens the second'],
    ],
  },
  {
    row: 4,
    fault: 'a settlement twice, or after the call has expired',
    tests: [
      [CALLS, 'row G4: until its call has expired puts the true cost in the place of what was held, once'],
      [ADMISSION, 'expires, and what was held for it counts as spent until the true cost takes its place'],
    ],
  },
  {
    row: 5,
    fault: 'two processes admit for the last cent at once',
    tests: [
      [DESK, 'row G5: for the last cent at once admit one call'],
      [DESKS, 'against a budget for ten admit what fits, on two processes'],
      [DESKS, 'whatever processes do at one desk, in whatever order, no limit is passed and nothing stays set aside'],
    ],
  },
  {
    row: 6,
    fault: 'provider hangs before or within the body',
    tests: [
      [PROVIDERS, 'by %j, streamed: %s, is told as %s'],
      [PROVIDERS, 'by %j ends with an error, and what came is settled'],
      [LIBRARIES, 'is told as that and replaced, and has cost nothing'],
    ],
  },
  {
    row: 7,
    fault: 'provider 429, 500, 529, reset, bad JSON, empty stream',
    tests: [
      [PROVIDERS, 'by %j, streamed: %s, is told as %s'],
      [PROVIDERS, 'is tried again as often as the policy says, and then serves'],
      [PROVIDERS, 'is waited for once where the policy says so'],
      [LIBRARIES, 'of %i comes in the words of either library, from either provider'],
    ],
  },
  {
    row: 8,
    fault: 'client leaves in the queue, before the first byte, mid-stream',
    tests: [
      [CALLS, 'row G8: while its call waits at the desk has cost nothing, and holds nothing'],
      [PROVIDERS, 'before a whole answer lets it come, since the provider bills it, and settles it exactly'],
      [PROVIDERS, 'in the middle of a stream ends it at the provider, and what came is settled'],
    ],
  },
  {
    row: 9,
    fault: 'event store away, Postgres away',
    tests: [
      [
        CALLS,
        'row G9: the event store no call leaves; one that is under way is answered, and recorded when it is back',
      ],
      [CALLS, 'row G9: PostgreSQL calls go on, and reads are 503'],
      [CALLS, 'row G9: either of them nothing is served, and nothing leaves; with both of them all is as before'],
      [DESKS, 'where the store fails nothing is admitted, and the ends of calls are recorded when it is back'],
      [DESKS, 'an admission that nobody can confirm is given back'],
    ],
  },
  {
    row: 10,
    fault: 'clock an hour off or stepping back',
    tests: [
      [CALLS, 'row G10: free nothing of an hour’s budget, and end no run'],
      [ADMISSION, 'a clock that steps back frees nothing'],
      [
        'test/http/rungate/circuits.test.ts',
        'open and close at the right time, whatever a process’s clock says: %i ms',
      ],
    ],
  },
  {
    row: 11,
    fault: 'policy changed, key rotated, agent disabled while calls are in flight',
    tests: [
      [CHANGES, 'whose %s is served; the next one is refused within a second, by every process'],
      [CHANGES, 'goes on with the secret that it began with; the next one has the new one'],
      [CHANGES, 'and its whole run keep the policy that the run began with; a new run has the new one'],
      [DESK, 'row G11: a token revoked and an agent disabled at one are refused by the other within a second'],
    ],
  },
  {
    row: 12,
    fault: 'approve and reject at once; complete and stop at once',
    tests: [
      ['test/http/rungate/runs.test.ts', 'is decided once, whoever comes at the same time'],
      [CHANGES, 'and a completion at once: one of them ends the run, the other is told that it has ended'],
    ],
  },
  {
    row: 13,
    fault: '50 uses of one magic link, code or invitation',
    tests: [
      ['test/http/rungate/sign-in.test.ts', 'is good for one of 50 who use its %s at once, on two processes'],
      ['test/http/rungate/members.test.ts', 'is good for one of 50 who use it at once, on two processes'],
    ],
  },
  {
    row: 14,
    fault: 'webhook receiver drips, redirects, resolves to a private address',
    tests: [
      [WEBHOOK_REQUEST, 'ends at its deadline where the endpoint %s'],
      [WEBHOOK_REQUEST, 'does not follow a redirect'],
      [WEBHOOK_REQUEST, 'a name that resolves to %s'],
    ],
  },
  {
    row: 15,
    fault: '1,000 simultaneous calls against a budget for ten',
    tests: [
      [DESK, RACE],
      [
        DESK,
        'row G15: at one desk both go on: neither is told to come back, and neither waits for the other to be done',
      ],
    ],
  },
  {
    row: 16,
    fault: '10,000 letters without a space, 32 MiB of base64, an answer of 60 MiB, 100,000 tools, depth 100,000',
    tests: [
      [INPUTS, 'row G16: no turn of the loop is long by %s'],
      [TAPE, 'is bounded in depth and in values'],
      [SCAN, 'refuses what is no JSON as the client’s fault, in a long body too'],
      [SCAN, 'of a long text of %s is the same however it is escaped, wherever that is cut'],
    ],
  },
]
