/** What the studio's handlers work with, beside what all of killatamata's have. */
import type { ObjectStore } from '../../../adapters/object-store/object-store.ts'
import type { SignInDigests } from '../../../processes/killatamata/digests.ts'
import type { AgentParts } from '../../../processes/killatamata/studio/agent.ts'
import type { KillatamataParts } from '../access.ts'
import type { AssetAddresses } from './views.ts'

export interface StudioParts {
  objects: Pick<ObjectStore, 'read' | 'readRange' | 'write'>
  fileTokenOf: SignInDigests['fileTokenOf']
  agent: AgentParts
  limits: StudioLimits
}

export interface StudioLimits {
  /** Of each list that the snapshot has, and of the messages that a conversation shows. */
  shownMax: number
  messagesShownMax: number
  /** Of `userMetadata`, as JSON. */
  metadataMaxBytes: number
  metadataDepthMax: number
}

export const addressesIn = ({ apiUrl, studio }: Pick<KillatamataParts, 'apiUrl' | 'studio'>): AssetAddresses => ({
  apiUrl,
  fileTokenOf: studio.fileTokenOf,
})
