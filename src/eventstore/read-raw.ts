/**
 * Events as they are stored, byte for byte: JSON that was parsed can no longer show that a byte of it was changed. It
 * only ever reads.
 */
import type { ReadResp } from '@eventstore/db-client/generated/streams_pb.js'
import streamsPb from '@eventstore/db-client/generated/streams_pb.js'
import { type GrpcClient, selectionOptions } from './client-internals.ts'
import { type CallOptions, type Connection, openCall, SilentStore } from './connection.ts'
import { positionFault } from './read.ts'
import { withReadTimeout } from './read-timeout.ts'
import type { Selection } from './selection.ts'

export interface RawEvent {
  id: string
  stream: string
  revision: bigint
  /** Commit position. */
  position: bigint
  type: string
  contentType: string
  /** When it was recorded, in ticks of 100 ns since 1970, decimal: as the protocol gives it. */
  created: string
  data: Uint8Array
  metadata: Uint8Array
}

type Answers = AsyncIterable<ReadResp> & {
  cancel(): void
  destroy(error: Error): void
  on(event: 'error', listener: () => void): unknown
}

interface Streams extends GrpcClient {
  read(...args: unknown[]): Answers
}

/**
 * The events of a read as they come, at the reader's pace; none where there is no such stream. Throws the client's error
 * where the store is away, SilentStore where it says nothing for so long, and NoSuchPosition.
 */
export async function* readRaw(
  connection: Connection,
  selection: Selection,
  silenceMaxMs: number,
  options: CallOptions = {},
): AsyncGenerator<RawEvent> {
  const request = new streamsPb.ReadReq()
  request.setOptions(selectionOptions(selection))
  const line = connection.line()
  let lastMs = performance.now()
  const opening = openCall<Streams, Answers>(line, 'raw log', options, (streams, callArguments) =>
    streams.read(request, ...callArguments),
  )
  let answers: Answers | undefined
  try {
    answers = await opening
    // What it says of being cancelled is of no interest; any other error comes out of the iteration.
    answers.on('error', () => undefined)
    for await (const answer of withReadTimeout(answers, silenceMaxMs, () => new SilentStore(silenceMaxMs))) {
      connection.heard(line)
      lastMs = performance.now()
      const event = answer.getEvent()?.getEvent()
      if (event) yield rawEvent(event)
    }
  } catch (error) {
    if (error instanceof SilentStore) connection.silent(line, lastMs)
    throw positionFault(error, selection)
  } finally {
    // A reader that has seen enough leaves the call open otherwise, and with it the process.
    answers?.cancel()
  }
}

function rawEvent(event: ReadResp.ReadEvent.RecordedEvent): RawEvent {
  const entries = event.getMetadataMap()
  return {
    id: event.getId()?.getString() ?? '',
    stream: Buffer.from(event.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString('utf8'),
    revision: BigInt(event.getStreamRevision()),
    position: BigInt(event.getCommitPosition()),
    type: entries.get('type') ?? '',
    contentType: entries.get('content-type') ?? '',
    created: entries.get('created') ?? '0',
    data: event.getData_asU8(),
    metadata: event.getCustomMetadata_asU8(),
  }
}
