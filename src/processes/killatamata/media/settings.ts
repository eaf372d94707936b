/** Variables of the environment for media, each with its unit last. */
import { z } from 'zod'
import { mediaTask } from '../../../events/killatamata/media.ts'
import { bytes, count, milliseconds, schedule } from '../../../runtime/setting.ts'

const MIB = 1_048_576
const path = z.string().min(1).optional()

/** A part of an address, as `house/model`. */
const model = z.string().regex(/^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+){0,5}$/)
const queueModels = z.partialRecord(
  mediaTask,
  z.union([
    model.transform((name) => ({ model: name, names: {} })),
    z.strictObject({ model, names: z.record(z.string(), z.string().regex(/^\w+(\.\w+){0,3}$/)).default({}) }),
  ]),
)

export const mediaSettings = z.object({
  FFMPEG_PATH: path.describe('the program ffmpeg; unset: that of the package, else the one on the PATH'),
  FFPROBE_PATH: path.describe('the program ffprobe; unset: that of the package, else the one on the PATH'),
  MEDIA_CONCURRENCY_MAX: count(2).describe('media jobs that are worked on at a time'),
  MEDIA_JOB_ATTEMPTS_MAX: count(3).describe('attempts at a media job before it fails'),
  MEDIA_JOB_DEADLINE_MS: milliseconds(900_000).describe('after which a media job that has no end fails'),
  MEDIA_POLL_INTERVAL_MS: milliseconds(5_000).describe('longest time between two looks at jobs without an end'),
  MEDIA_QUEUE_PER_ACCOUNT_MAX: count(50).describe('media jobs of one account that wait in memory'),
  MEDIA_QUEUE_BATCH_MAX: count(500).describe('media jobs that one look finds'),
  MEDIA_WORKER_MEMORY_MAX_BYTES: bytes(1_024 * MIB).describe('what one worker may hold; beyond it is killed'),
  MEDIA_WORKER_IDLE_MS: milliseconds(30_000).describe('without work, after which a worker ends'),
  MEDIA_TOOL_TIME_MAX_MS: milliseconds(300_000).describe('for one run of ffmpeg or ffprobe'),
  MEDIA_TOOL_MEMORY_MAX_BYTES: bytes(2_048 * MIB).describe('address space of one run of ffmpeg or ffprobe'),
  MEDIA_TOOL_FILE_MAX_BYTES: bytes(512 * MIB).describe('largest file that such a run writes'),
  MEDIA_IMAGE_MAX_BYTES: bytes(12 * MIB).describe('of a picture that is given'),
  MEDIA_IMAGE_PIXELS_MAX: count(40_000_000).describe('of a picture that is given'),
  MEDIA_AUDIO_MAX_BYTES: bytes(20 * MIB).describe('of a recording that is given'),
  MEDIA_VIDEO_MAX_BYTES: bytes(256 * MIB).describe('of a clip that is given'),
  MEDIA_INPUT_DURATION_MAX_MS: milliseconds(600_000).describe('of a recording or a clip that is given'),
  MEDIA_VIDEO_PIXELS_MAX: count(33_177_600).describe('of one frame of a clip'),
  MEDIA_VIDEO_FRAMES_MAX: count(80_000).describe('of a clip that is given'),
  MEDIA_FETCH_TIMEOUT_MS: milliseconds(60_000).describe('for the fetch of one input from elsewhere'),
  MEDIA_LOOK_TIMEOUT_MS: milliseconds(5_000).describe('for a look at clips from elsewhere while a job is asked for'),
  MEDIA_QUEUE_MODELS: z
    .string()
    .default('{}')
    .transform((text, ctx) => {
      try {
        return queueModels.parse(JSON.parse(text))
      } catch {
        ctx.addIssue('is to be an object in JSON: {"image.generate": "house/model"}')
        return z.NEVER
      }
    })
    .describe('tasks that a queue elsewhere does, in JSON with the model of each; the others are done here'),
  MEDIA_QUEUE_URL: z
    .url({ protocol: /^https?$/ })
    .transform((url) => url.replace(/\/+$/, ''))
    .optional()
    .describe('where that queue is; unset: the stand-in of a sandbox'),
  MEDIA_QUEUE_KEY: z.string().min(1).optional().describe('the key that it asks for'),
  MEDIA_QUEUE_CONCURRENCY_MAX: count(8).describe(
    'media jobs that wait for that queue at a time, beside those done here',
  ),
  MEDIA_QUEUE_POLL_INTERVAL_MS: milliseconds(2_000).describe('between two questions about work in that queue'),
  MEDIA_QUEUE_TIMEOUT_MS: milliseconds(30_000).describe('for one request to that queue'),
  MEDIA_QUEUE_BODY_MAX_BYTES: bytes(32 * MIB).describe('of a job that is sent to that queue, with its inputs'),
  MEDIA_QUEUE_NAME_WAIT_MS: milliseconds(60_000).describe(
    'how long a callback may name work whose id was lost, before the work is submitted again',
  ),
  MEDIA_STORE_RETRY_WAITS_MS: schedule([500, 1_000, 2_000, 4_000]).describe(
    'waits before files are given to the object store once more',
  ),
  MEDIA_FILE_LIFE_MS: milliseconds(259_200_000).describe('after which files of media jobs are deleted'),
  MEDIA_INPUT_LIFE_MS: milliseconds(345_600_000).describe('after which staged inputs are deleted'),
  MEDIA_HOLD_GRACE_MS: milliseconds(60_000).describe('after which a hold without a job is given back'),
  MEDIA_SWEEP_INTERVAL_MS: milliseconds(30_000).describe('between looks at holds and files whose time has come'),
  MEDIA_SWEEP_BATCH_MAX: count(200).describe('of each kind, how many such a look finds'),
  CALLBACK_TIMEOUT_MS: milliseconds(15_000).describe('for one attempt of a callback'),
  CALLBACK_RETRY_WAITS_MS: schedule([5_000, 60_000, 300_000, 1_800_000, 7_200_000]).describe(
    'waits before a callback is tried again; behind the last one it is given up',
  ),
  CALLBACK_PER_HOST_MAX: count(4).describe('callbacks of one host at a time'),
  CALLBACK_CONCURRENCY_MAX: count(16).describe('callbacks at a time'),
  CALLBACK_BATCH_MAX: count(500).describe('callbacks that one look finds'),
  CALLBACK_POLL_INTERVAL_MS: milliseconds(1_000).describe('longest time between two looks at callbacks that are due'),
})
export type MediaSettings = z.output<typeof mediaSettings>
