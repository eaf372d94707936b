/** Variables of the environment for the arcade, each with its unit last. */
import { z } from 'zod'
import { bytes, count, milliseconds } from '../../../runtime/setting.ts'

const MIB = 1_048_576

export const arcadeSettings = z.object({
  ARCADE_BUNDLE_MAX_BYTES: bytes(64 * MIB).describe('of a bundle as it is sent'),
  ARCADE_COVER_MAX_BYTES: bytes(5 * MIB).describe('of a cover as it is sent'),
  ARCADE_UNPACKED_MAX_BYTES: bytes(256 * MIB).describe('that come out of one bundle'),
  ARCADE_ENTRIES_MAX: count(2_000).describe('files and folders of one bundle'),
  ARCADE_RATIO_MAX: count(200).describe('bytes that may come out of one byte of a larger file of a bundle'),
  ARCADE_RATIO_FROM_BYTES: bytes(MIB).describe('from which size on a file of a bundle is such a larger one'),
  ARCADE_PATH_MAX_BYTES: bytes(200).describe('of a path in a bundle'),
  ARCADE_PATH_DEPTH_MAX: count(10).describe('parts of a path in a bundle'),
  ARCADE_UPLOADS_MAX: count(8).describe('bundles that one process takes in at a time'),
  ARCADE_START_WITHIN_MS: milliseconds(600_000).describe('after which a launch that has not begun has ended'),
  ARCADE_LAUNCH_MS: milliseconds(43_200_000).describe('how long the address of a launch is good'),
  ARCADE_SILENCE_MAX_MS: milliseconds(300_000).describe('without a heartbeat, after which a launch has ended'),
  ARCADE_SWEEP_INTERVAL_MS: milliseconds(30_000).describe('between looks at launches and files that nobody has'),
  ARCADE_SWEEP_BATCH_MAX: count(500).describe('of each kind, how many such a look finds'),
  ARCADE_ORPHAN_AGE_MS: milliseconds(3_600_000).describe(
    'after which stored files of no release, and uploads that ended midway, are removed',
  ),
})
export type ArcadeSettings = z.output<typeof arcadeSettings>
