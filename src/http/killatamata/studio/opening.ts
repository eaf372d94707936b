/** What the studio's handlers work with, from the settings. */
import type { ContextParts } from '../../../context.ts'
import type { SignInDigests } from '../../../processes/killatamata/digests.ts'
import type { Media } from '../../../processes/killatamata/media/parts.ts'
import type { StandIns } from '../../../processes/killatamata/sandbox-parts.ts'
import { killatamataSettings } from '../../../processes/killatamata/settings.ts'
import { openAgent } from '../../../processes/killatamata/studio/opening.ts'
import { readJob } from './jobs.ts'
import type { StudioParts } from './parts.ts'

export function openStudio(
  parts: ContextParts,
  media: Media,
  digests: Pick<SignInDigests, 'fileTokenOf'>,
  standIns: Pick<StandIns, 'url'> | undefined,
): StudioParts {
  const given = parts.settings(killatamataSettings)
  const agent = openAgent(parts, media, readJob, standIns)
  return {
    ...{ agent, objects: media.objects, fileTokenOf: digests.fileTokenOf },
    limits: {
      ...{ shownMax: given.STUDIO_SHOWN_MAX, messagesShownMax: given.STUDIO_MESSAGES_SHOWN_MAX },
      metadataMaxBytes: given.STUDIO_METADATA_MAX_BYTES,
      metadataDepthMax: given.STUDIO_METADATA_DEPTH_MAX,
    },
  }
}
