/** What media jobs are asked for, run and served with. */
import type { MediaProvider } from '../../../adapters/media/order.ts'
import type { Prober } from '../../../adapters/media/probe.ts'
import type { Workers } from '../../../adapters/media/workers.ts'
import type { ObjectStore } from '../../../adapters/object-store/object-store.ts'
import type { CommandBus } from '../../../commands/handle.ts'
import type { Ledgers } from '../../../commands/killatamata/ledgers.ts'
import type { Measures } from '../../../events/killatamata/media.ts'
import type { ReadModels } from '../../../postgres/database.ts'
import type { FileAddresses } from './files.ts'
import type { Outbound } from './outbound.ts'
import type { ProviderCallbacks } from './provider-callbacks.ts'
import type { MediaSettings } from './settings.ts'

/** A file of this instance that was given as an input by its address. */
export interface OwnFile {
  objectKey: string
  sha256: string
  mimeType: string
  sizeBytes: number
  measures: Measures
}
/** Finds a file of this instance by the path of its address: undefined, it is no such path; null, it is not there. */
export type FindOwnFile = (path: string) => Promise<OwnFile | null | undefined>

export interface Media {
  bus: CommandBus
  ledgers: Ledgers
  db: ReadModels
  objects: ObjectStore
  addresses: FileAddresses
  /** Where clients reach the API, without a slash at its end. */
  apiUrl: () => string
  ownFiles: readonly FindOwnFile[]
  outbound: Outbound
  workers: Pick<Workers, 'probe'>
  /** Throws ToolMissing where the programs are not here. */
  prober: () => Prober
  /** Undefined: nobody makes this. */
  providerOf: (task: string) => MediaProvider | undefined
  /** Where providers elsewhere say that their work has ended. */
  providerCallbacks: ProviderCallbacks
  /** Files that are here for a while. */
  directory: string
  limits: MediaSettings
}
