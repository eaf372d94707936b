/** Which tests prove which faults of killatamata's media jobs, as rows.ts has it for the kernel's. */
import type { Row } from './rows.ts'

const JOBS = 'test/faults/media-jobs.fault.ts'
const CRASHES = 'test/faults/media-crashes.fault.ts'
const HOSTILE = 'test/processes/killatamata/media/hostile.test.ts'

export const killatamataMediaRows: readonly Row[] = [
  {
    row: 9,
    fault: '1,000 submits at once, money for 400',
    tests: [
      [
        JOBS,
        '1,000 submits at once with money for 400: 400 are taken, 600 are told what is short, and nothing is left',
      ],
    ],
  },
  {
    row: 10,
    fault: 'kill -9 between hold and job',
    tests: [
      [CRASHES, 'leaves a hold that the same request finds: one hold, one job'],
      [CRASHES, 'leaves a hold that the sweep gives back, and no late retry has a job without one'],
    ],
  },
  {
    row: 11,
    fault: 'kill -9 of the media role during encoding; of a worker',
    tests: [
      [CRASHES, 'of the whole role: the next attempt makes one set of files, and one capture'],
      [CRASHES, 'of the worker alone: the job goes on by itself'],
    ],
  },
  {
    row: 12,
    fault: 'work that is done after the deadline',
    tests: [
      [
        JOBS,
        'work that is not done by the deadline: the job has failed, nothing is charged, and late files are dropped',
      ],
    ],
  },
  {
    row: 14,
    fault: 'a capture when the ledger has moved to the next period',
    tests: [[JOBS, 'a ledger that has moved on to other periods: each job is captured there, once']],
  },
  {
    row: 15,
    fault: 'the object store is away',
    tests: [[JOBS, 'an object store that is away: a job waits, fails and costs nothing; a request with bytes is 503']],
  },
  {
    row: 16,
    fault: 'a callback’s endpoint is slow, fails, redirects, or its name leads inside',
    tests: [
      [
        JOBS,
        'a receiver that hangs, drips, fails or redirects: it is asked again so often, then given up; the job is not touched',
      ],
      [JOBS, 'a name that leads inside by the time it is called is not called'],
    ],
  },
  {
    row: 17,
    fault: 'pictures, clips and texts that are made to do harm',
    tests: [
      [HOSTILE, 'as a picture of 100,000 × 100,000 pixels is refused by its header'],
      [HOSTILE, 'as a clip of 10^9 frames in its header is refused within the limits'],
      [HOSTILE, 'as a playlist, a script or a drawing that names other files is no medium'],
    ],
  },
]
