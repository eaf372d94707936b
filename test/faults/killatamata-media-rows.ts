/** Which tests prove which faults of killatamata's media jobs, as rows.ts has it for the kernel's. */
import type { Row } from './rows.ts'

const JOBS = 'test/faults/media-jobs.fault.ts'
const CRASHES = 'test/faults/media-crashes.fault.ts'
const QUEUE = 'test/http/killatamata/media-queue.test.ts'
const OUTBOUND = 'test/processes/killatamata/media/outbound.test.ts'
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
      [JOBS, 'are kept by nobody once the job has failed'],
      [QUEUE, 'after the deadline changes nothing: the work is cancelled, nothing is charged, and no file is kept'],
    ],
  },
  {
    row: 13,
    fault: 'a provider’s callback twice, out of order, forged',
    tests: [
      [
        QUEUE,
        'that comes three times, of another attempt, with another id, and after the end has no effect of its own',
      ],
      [QUEUE, 'without the token that its address was given with is refused, and names nothing'],
      [QUEUE, 'names work whose answer was lost: it is not submitted again'],
      [QUEUE, 'names work whose id died with its process: it is not submitted again'],
      [QUEUE, 'that never comes has the work submitted once more, and the job is paid once'],
    ],
  },
  {
    row: 14,
    fault: 'a capture when the ledger has moved to the next period',
    tests: [[JOBS, 'a ledger that has moved on to other periods: each job is captured there, once']],
  },
  {
    row: 15,
    fault: 'the object store is full, or away',
    tests: [
      [JOBS, 'an object store that is away: a job waits, fails and costs nothing; a request with bytes is 503'],
      [JOBS, 'has a job wait, fail and cost nothing, leaves no part of a file, and is 503 to requests with bytes'],
      [JOBS, 'that has room again in time costs the job nothing but time'],
      [JOBS, 'is 503 to every request that brings bytes, and a job fails and costs nothing'],
    ],
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
      [OUTBOUND, 'that never ends is given up at the bound of its kind, and the connection is cut'],
      [OUTBOUND, 'that comes byte by byte is given up in time'],
      [OUTBOUND, 'fails a job that is given it, which costs nothing'],
    ],
  },
]
