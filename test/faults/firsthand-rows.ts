/** Which tests prove which of firsthand's faults, F1 to F22, as rows.ts has it for the kernel's. */
import type { Row } from './rows.ts'

const JOBS = 'test/http/firsthand/jobs.test.ts'
const KILLED = 'test/system/firsthand-kill.test.ts'
const SCORING = 'test/faults/firsthand-scoring.fault.ts'
const MONEY = 'test/faults/firsthand-money.fault.ts'
const WORK = 'test/faults/firsthand-work.fault.ts'
const WAITS = 'test/faults/firsthand-waits.fault.ts'
const SCORES = 'test/processes/firsthand/scoring.test.ts'
const LINKS = 'test/http/firsthand/objects/links.test.ts'
const OBJECTS = 'test/processes/firsthand/objects.test.ts'
const S3 = 'test/adapters/object-store/s3-store.test.ts'
const STORES = 'test/adapters/object-store/store-contract.ts'

/** The faults of firsthand's own parts, F1 to F22. */
export const firsthandRows: readonly Row[] = [
  {
    row: 1,
    fault: 'kill -9 between EscrowHeld and JobPosted',
    tests: [
      [KILLED, 'dies with its credits held'],
      [KILLED, 'appears by itself after the next start, and the retry gets it; held once'],
    ],
  },
  {
    row: 2,
    fault: 'kill -9 between JobCancelled and EscrowRefunded',
    tests: [
      [KILLED, 'dies with the job cancelled'],
      [KILLED, 'gets its credits back by itself after the next start, once'],
    ],
  },
  {
    row: 3,
    fault: '200 claims at once on 50 seats, then 50 scores at once',
    tests: [
      [WORK, 'row F3: 200 claims and then 50 scores at once: 50 seats, 50 approved and paid, one end'],
      ['test/http/firsthand/claims.test.ts', 'are given to 50 of 200 at once'],
      [
        'test/commands/firsthand/seats.test.ts',
        'rejects a score that comes for a seat which nobody should have, as the job is complete',
      ],
    ],
  },
  {
    row: 4,
    fault: 'a cancel racing 50 approvals',
    tests: [
      [
        WORK,
        'row F4: a cancel among the approvals of 50 seats: approved and refunded are what was held, and it ends once',
      ],
      [
        'test/commands/firsthand/job-end.test.ts',
        'leaves one end and whole books, whichever of 1,000 orders they come in',
      ],
    ],
  },
  {
    row: 5,
    fault: '100 createJobs at once on a balance for 37',
    tests: [[JOBS, 'posts as many as the credits pay for: %s']],
  },
  {
    row: 6,
    fault: 'kill -9 of the inspector, or 3 GB wanted',
    tests: [
      [SCORING, 'row F6: the inspector killed over and over; the files are tried again, and the API goes on'],
      [SCORES, 'in the inspector is tried again, and has one star after the third time'],
      [
        'test/adapters/inspection/confinement.test.ts',
        'kills a child that takes too much memory, and goes on with another',
      ],
    ],
  },
  {
    row: 7,
    fault: 'kill -9 of the scorer between copy, score and approval',
    tests: [
      [SCORING, 'row F7: the scorer killed with the copy stored and not recorded, and again before the approval'],
      [SCORING, 'row F7: one copy, one decision after the next start'],
      [SCORES, 'after the score stores the copy and decides on that score'],
      [SCORES, 'after the copy decides, and inspects nothing again'],
    ],
  },
  {
    row: 8,
    fault: 'object store down, 503, slow, a bit flipped in a read',
    tests: [
      [S3, 'is told as that, while links are still made'],
      [S3, 'is told as that when it breaks off, or answers 503'],
      [STORES, 'says at the end of a read that the bytes are others'],
      [OBJECTS, 'is not noted while the store is away, and goes afterwards'],
      [SCORES, 'whose bytes were changed in the store is not scored, and is tried again'],
    ],
  },
  {
    row: 9,
    fault: 'object deleted behind us',
    tests: [
      [LINKS, 'answers 404 when the file is gone'],
      [OBJECTS, 'finds what is missing and what is damaged, and nothing else'],
      [
        WORK,
        'row F9: that is gone has its submission set aside, which shows; once it is back, it is scored on command',
      ],
      [SCORES, 'whose original is gone is set aside after its tries, and goes on once somebody says so'],
    ],
  },
  {
    row: 10,
    fault: 'PUT again after submit',
    tests: [
      [WORK, 'row F10: what is put after the submission is refused, or at least not what is delivered'],
      [STORES, 'copies once, and says what was copied'],
      [LINKS, 'stores the bytes, once'],
    ],
  },
  {
    row: 11,
    fault: 'two workers, the same bytes, the same moment',
    tests: [
      [WORK, 'row F11: two workers with the same bytes at the same moment: one goes on, the other has one star'],
      [SCORES, 'of the same bytes as another one at the same moment: one goes on, the other has one star'],
    ],
  },
  {
    row: 12,
    fault: 'a Stripe event twice, ten times at once, out of order, forged, ten minutes old, lost',
    tests: [
      [MONEY, 'row F12: an event twice, ten times at once and out of order credits once'],
      [MONEY, 'row F12: one that is forged, changed or ten minutes old is 400 and credits nothing'],
      [MONEY, 'row F12: one that is lost loses nobody’s money: the sweep asks'],
    ],
  },
  {
    row: 13,
    fault: 'a crash between Stripe’s answer and our record',
    tests: [
      [MONEY, 'row F13: at %s opens one session for one customer, and credits one payment'],
      [MONEY, 'row F13: at payments.after-charge charges the card once, and credits the top-up once'],
      [MONEY, 'row F13: killed with its answers half given, has kept each of them, and charges each once'],
    ],
  },
  {
    row: 14,
    fault: '50 jobs cross the threshold at once; the card is declined; the customer has to act',
    tests: [
      [MONEY, 'row F14: 50 jobs cross the threshold at once: one top-up; a job that is refused buys nothing'],
      [MONEY, 'row F14: a card with %s is tried again three times, then the setting is off, and it is told'],
      [
        'test/commands/firsthand/top-up.test.ts',
        'is tried again after 1, 6 and 24 hours, not before, and then no more',
      ],
    ],
  },
  {
    row: 15,
    fault: 'a lot ends between the look and the hold',
    tests: [
      [MONEY, 'row F15: a lot that ends before the hold is never spent, swept or not, and expires once'],
      ['test/commands/firsthand/wallet.test.ts', 'never takes what has ended, and books its end before'],
    ],
  },
  {
    row: 16,
    fault: 'the model: 500, timeout, HTML, nine stars, “approve me” in the picture',
    tests: [
      [WORK, 'row F16: that fails in each way is asked again; then the inspection alone decides, and says so'],
      [WORK, 'row F16: never gives more than the inspection, whatever the picture has it say'],
    ],
  },
  {
    row: 17,
    fault: '5,000 long polls, clients gone, SIGTERM',
    tests: [
      [WAITS, 'row F17: leave nothing behind when their clients go'],
      [WAITS, 'row F17: are all answered with the state of now within a second of SIGTERM'],
    ],
  },
  {
    row: 18,
    fault: 'disk full in the object store',
    tests: [
      [
        'test/faults/objects.fault.ts',
        'F18: a full disk is 503 to uploads and writes, leaves no half object, and passes',
      ],
    ],
  },
  {
    row: 19,
    fault: 'an endpoint gives 500 for an hour, and is deleted meanwhile',
    tests: [
      [WAITS, 'row F19: that gives 500 is tried as scheduled, then the event has failed'],
      [WAITS, 'row F19: that is deleted meanwhile gets nothing more, and a replay finds nothing'],
    ],
  },
  {
    row: 20,
    fault: 'rebuild of every projection under load',
    tests: [[WAITS, 'row F20: rebuilt under load are equal, and nothing is sent, charged or stored for it']],
  },
  {
    row: 21,
    fault: 'a claim lapses while its PUT is under way',
    tests: [
      [WAITS, 'row F21: that lapses while its PUT is under way: the submission is 409, the seat free, the bytes swept'],
    ],
  },
  {
    row: 22,
    fault: 'clock an hour off in the scorer',
    tests: [[SCORING, 'row F22: with the clock an hour off, what is recorded, lots and links go by the one clock']],
  },
]
