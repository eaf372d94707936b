/** Which tests prove which of killatamata's faults, K1 to K22, as rows.ts has it for the kernel's; those that are missing come with their parts. */
import type { Row } from './rows.ts'

const CRASHES = 'test/faults/killatamata-money.fault.ts'
const X402 = 'test/processes/killatamata/x402.test.ts'
const X402_HTTP = 'test/http/killatamata/x402.test.ts'
const PURCHASING = 'test/processes/killatamata/purchasing.test.ts'
const PURCHASES = 'test/http/killatamata/purchases.test.ts'
const PLANS = 'test/http/killatamata/studio-plans.test.ts'
const SIGN_IN = 'test/http/killatamata/sign-in.test.ts'

export const killatamataRows: readonly Row[] = [
  {
    row: 1,
    fault: 'kill -9 between x402 claim and settle, between settle and credit, between credit and answer',
    tests: [
      [CRASHES, '%s of an x402 payment, has it credited once without its client'],
      [
        X402,
        'is finished without the client after a process has ended between claim and send, and between send and credit',
      ],
    ],
  },
  {
    row: 2,
    fault: 'the chain stops mining, or its node is away, during a settlement',
    tests: [
      [X402_HTTP, 'leaves the payment pending, never rejected, and it is credited once it does'],
      [X402, 'is pending while the chain is silent or does not mine, and credited when it is back'],
    ],
  },
  {
    row: 3,
    fault: 'a stranger brings the authorization to the chain first',
    tests: [
      [X402_HTTP, 'is credited to whoever brings it here'],
      [X402, 'is credited where a stranger has brought it to the chain first'],
    ],
  },
  {
    row: 4,
    fault: 'the payer cancels, or empties the wallet, between verify and settle',
    tests: [
      [X402, 'ends without a credit where it is %s between claim and settlement'],
      [X402, 'of a wallet that was emptied after its claim is rejected, and the claim waits for the chain'],
      [X402_HTTP, 'is rejected where the payer has taken it back'],
    ],
  },
  {
    row: 5,
    fault: 'one authorization 50 times at once, and by two accounts',
    tests: [
      [X402, 'is credited once where 50 come at once in three processes, and is no other account’s'],
      [X402_HTTP, 'is the first account’s alone'],
      [X402_HTTP, 'that comes ten times at once is settled once'],
    ],
  },
  {
    row: 6,
    fault: 'events and claims of one session, 25 each at once',
    tests: [
      [PURCHASES, 'is credited once by 25 events and 25 claims at the same moment'],
      [PURCHASING, 'is credited once by 25 events and 25 claims at once, in five processes'],
    ],
  },
  {
    row: 7,
    fault: 'an event before the checkout’s own answer was recorded; an event that is lost',
    tests: [
      [PURCHASING, 'is credited by what was asked for, where it comes before the checkout’s own answer was recorded'],
      [PURCHASES, 'whose event is lost is credited without a claim'],
    ],
  },
  {
    row: 8,
    fault: 'kill -9 between PaymentConfirmed and DepositCredited',
    tests: [
      [CRASHES, 'between the confirmation of a payment and its credit, has it credited once'],
      [
        PURCHASING,
        'is credited once where a process ends between the confirmation and the deposit, and between the deposit and its note',
      ],
    ],
  },
  {
    row: 18,
    fault: '20 polls, 20 verifies, 20 exchanges of one code at once',
    tests: [
      [SIGN_IN, 'gets its key once: of 20 polls at once one has it'],
      [SIGN_IN, 'opens an account with a key, once: of 20 at once one has it'],
      [SIGN_IN, 'makes one key and opens one session: of 20 exchanges at once one succeeds'],
    ],
  },
  {
    row: 19,
    fault: 'a plan executed 20 times at once, after prices changed, and short by a micro-dollar',
    tests: [
      [
        PLANS,
        'holds nothing where the balance is short by one micro-dollar, and runs once where 20 execute it at once',
      ],
      [PLANS, 'runs at the price that it has, whatever the prices are by then'],
    ],
  },
  {
    row: 20,
    fault: 'a refund after the credit is spent',
    tests: [
      [PURCHASES, 'that went back after it was spent is owed, and the next one pays it first'],
      [PURCHASING, 'that goes back after it was spent is owed, and counted once however often that is told'],
    ],
  },
  {
    row: 22,
    fault: 'the mail server away for ten minutes',
    tests: [['test/http/killatamata/mail-server.test.ts', 'keeps the mail until it is back, or the code has expired']],
  },
]
