/** Which tests prove which of ostium's faults, O1 to O20, as rows.ts has it for the kernel's. */
import type { Row } from './rows.ts'

const CRASHES = 'test/faults/ostium-crashes.fault.ts'
const SOCKETS = 'test/faults/ostium-sockets.fault.ts'
const NODE = 'test/processes/ostium/node-faults.test.ts'
const PRICES = 'test/processes/ostium/prices.test.ts'
const AGENTS = 'test/http/ostium/agents.test.ts'
const AGENT_FAULTS = 'test/http/ostium/agent-faults.test.ts'
const STREAMS = 'test/commands/ostium/streams.test.ts'

export const ostiumRows: readonly Row[] = [
  {
    row: 1,
    fault: 'kill -9 of the API before or after the append of a build',
    tests: [[CRASHES, '%s of a build, has handed out nothing that is missing from the log']],
  },
  {
    row: 2,
    fault: 'kill -9 of the relay before signing, after recording Signed, after sending, before recording Broadcast',
    tests: [[CRASHES, '%s, has one transaction on the chain for the action all the same']],
  },
  {
    row: 3,
    fault: 'the node’s answer to a send lost; already known; nonce too low',
    tests: [[NODE, '%s is one transaction all the same']],
  },
  {
    row: 4,
    fault: 'a send refused for good in the middle of ten',
    tests: [[NODE, 'in the middle of ten leaves no gap: its nonce is filled, and the nine others are done']],
  },
  {
    row: 5,
    fault: 'two relays',
    tests: [
      [
        'test/processes/ostium/sponsor-account.test.ts',
        'row 5: of two submitters at work at once one has each nonce, and the loser has nothing to sign with',
      ],
      [STREAMS, 'are taken in order, each for one action and for ever'],
      [CRASHES, '%s, and wakes up beside its successor, sends nothing of its own'],
    ],
  },
  {
    row: 6,
    fault: 'node away, silent, answering nonsense, of another chain',
    tests: [[NODE, 'and %s stops what needs it, and nothing else, until it is well again']],
  },
  {
    row: 7,
    fault: 'delegation removed between preflight and inclusion',
    tests: [
      [
        NODE,
        'row 7: a delegation that is removed between preflight and block: reverted, suspended, nothing more is sent',
      ],
    ],
  },
  {
    row: 8,
    fault: 'a receipt that vanishes',
    tests: [[NODE, 'row 8: an action whose block is taken back waits again, and ends once, by the same bytes']],
  },
  {
    row: 9,
    fault: '100 creates at once; 100 cancellations with one message',
    tests: [
      [AGENTS, 'once, of a hundred that are asked for at once'],
      [AGENTS, 'ends once, of a hundred that send the message at once'],
    ],
  },
  {
    row: 10,
    fault: 'crash between ChallengeConsumed and AgentCancelled',
    tests: [
      [
        AGENT_FAULTS,
        'row 10: a crash after the message is used and before the agent is cancelled is ended by the same request',
      ],
      [STREAMS, 'is issued once and used once; the same signature again finishes what was begun'],
    ],
  },
  {
    row: 11,
    fault: 'message of another trader, purpose, agent; expired; high-s twin of a used signature',
    tests: [
      [AGENTS, 'is good for nothing else: not another trader’s, not another purpose’s, not changed, not late'],
      [AGENTS, 'counts with the signature that its trader has made, and not with a twin of it'],
      ['test/adapters/chain/client.test.ts', 'is not proved by the twin of its signature, nor by what is none'],
    ],
  },
  {
    row: 12,
    fault: 'key of another trader, of a cancelled agent, of a former one',
    tests: [[AGENTS, 'opens nothing of another trader’s, and nothing after its end, with one text for all']],
  },
  {
    row: 13,
    fault: 'prices close, fall silent, say nonsense, go back in time',
    tests: [
      [PRICES, 'is taken tick by tick; what is no tick, crossed or from before is dropped and counted'],
      [PRICES, 'that closes is gone back to, and interrupted once'],
      [PRICES, 'that is silent is broken, although it looks open'],
      ['test/http/ostium/feed.test.ts', 'is told once, until prices have been back'],
    ],
  },
  {
    row: 14,
    fault: '1,000 sockets of which 100 never read',
    tests: [
      [
        SOCKETS,
        'row 14: of 1,000 sockets 100 never read: the others see every tick, memory stays bounded, the 100 are closed',
      ],
    ],
  },
  {
    row: 15,
    fault: 'a frame of 3 MiB, 10,000 messages at once, half-open sockets, reset during the upgrade',
    tests: [
      [SOCKETS, 'a frame of 3 MiB ends its connection alone'],
      [
        SOCKETS,
        '10,000 messages at once are answered each, in their order, a hundred of them with more than a refusal',
      ],
      [SOCKETS, 'half of a handshake, for ever, holds up nobody'],
      [SOCKETS, 'a reset in the middle of the upgrade, or right behind it, leaves nothing open'],
    ],
  },
  {
    row: 16,
    fault: 'one Idempotency-Key 100 times at once, then with another body',
    tests: [
      ['test/http/ostium/builds.test.ts', 'of which a hundred come at once has one effect'],
      ['test/http/ostium/delegated.test.ts', 'of which a hundred come at once opens one position'],
    ],
  },
  {
    row: 17,
    fault: 'clock an hour off',
    tests: [
      [AGENT_FAULTS, '%s, messages expire by it, and deadlines are such that the chain takes the action'],
      [CRASHES, '%s are told, by the log and by a figure, and actions are done'],
    ],
  },
  {
    row: 18,
    fault: 'vault away; an agent’s key destroyed',
    tests: [
      [
        AGENT_FAULTS,
        'row 18: a vault that is away holds up what agents do, and nothing else; what was owed is done once it is back',
      ],
      [AGENT_FAULTS, 'row 18: an agent whose key was destroyed does nothing any more, and building goes on'],
    ],
  },
  {
    row: 19,
    fault: 'the local chain killed, and started anew from its last second',
    tests: [
      [
        NODE,
        'row 19: a chain that has lost its last moments gets the very bytes again that it had, before anything new',
      ],
      ['test/embedded/market/market.test.ts', 'goes on where its chain was killed, from its last second'],
      ['test/embedded/anvil.test.ts', 'is started anew at the same address after kill -9, from its last state'],
    ],
  },
  {
    row: 20,
    fault: '10,000 hostile bodies, headers, frames',
    tests: [
      [
        SOCKETS,
        '10,000 hostile messages: each has an answer that is the sender’s fault, or none is wrong; the others are served',
      ],
      ['test/suites/hostile.ts', 'holds against hostile requests'],
    ],
  },
]
