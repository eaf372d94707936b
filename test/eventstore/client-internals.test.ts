/**
 * The parts of db-client and grpc-js that src/eventstore uses though their types do not promise them. Each test says what
 * a new version would have changed.
 */
import { PassThrough } from 'node:stream'
import { EventStoreDBClient } from '@eventstore/db-client'
import sharedPb from '@eventstore/db-client/generated/shared_pb.js'
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js'
import streamsPb from '@eventstore/db-client/generated/streams_pb.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { escapedFromClient } from '../../src/eventstore/failure.ts'
import { startEventStoreNode } from '../support/event-store-node.ts'
import { temporaryDirectory } from '../support/services.ts'

const directory = temporaryDirectory()
let node: Awaited<ReturnType<typeof startEventStoreNode>>
let client: EventStoreDBClient
beforeAll(async () => {
  node = await startEventStoreNode({ directory: directory.path })
  client = EventStoreDBClient.connectionString(node.url)
})
afterAll(async () => {
  await client.dispose()
  await node.close()
  directory.remove()
})

type Service = Record<string, unknown> & { getChannel(): { close?: unknown } }
interface Parts {
  callArguments(
    options: object,
    callOptions: object,
  ): [{ get(name: string): unknown[] }, { deadline?: unknown; credentials?: unknown }]
  GRPCStreamCreator<Call>(
    service: unknown,
    name: string,
    create: (client: Service) => Call,
    cache?: WeakMap<object, unknown>,
  ): () => Promise<Call>
}
const parts = () => client as unknown as Parts

describe('db-client’s Client', () => {
  it('still has callArguments, which makes metadata with requires-leader and passes a deadline on', () => {
    const [leader, options] = parts().callArguments({ requiresLeader: true }, { deadline: Number.POSITIVE_INFINITY })
    expect(leader.get('requires-leader')).toEqual(['true'])
    expect(options.deadline).toBe(Number.POSITIVE_INFINITY)
    const [any] = parts().callArguments({ requiresLeader: false }, { deadline: Number.POSITIVE_INFINITY })
    expect(any.get('requires-leader')).not.toEqual(['true'])
  })

  it('still has GRPCStreamCreator, which gives `create` a grpc-js client with raw requests and a channel to close', async () => {
    const seen: string[] = []
    const create = (service: Service) => {
      for (const method of ['makeServerStreamRequest', 'makeBidiStreamRequest', 'getChannel']) {
        if (typeof service[method] === 'function') seen.push(method)
      }
      if (typeof service.getChannel().close === 'function') seen.push('close')
      return new PassThrough()
    }
    await parts().GRPCStreamCreator(streamsGrpc.StreamsClient, 'test', create)()
    expect(seen).toEqual(['makeServerStreamRequest', 'makeBidiStreamRequest', 'getChannel', 'close'])
  })

  it('still throws from files whose path names it, by which errors that escape are known', () => {
    let thrown: unknown
    try {
      EventStoreDBClient.connectionString('nonsense://')
    } catch (error) {
      thrown = error
    }
    expect(escapedFromClient(thrown)).toBe(true)
    expect(escapedFromClient(new Error('ours'))).toBe(false)
  })
})

describe('db-client’s generated files', () => {
  it('still describe Read and BatchAppend with a path, and serialize a Read request', () => {
    const { read, batchAppend } = streamsGrpc.StreamsService
    expect(read.path).toBe('/event_store.client.streams.Streams/Read')
    expect(batchAppend.path).toBe('/event_store.client.streams.Streams/BatchAppend')
    expect(Buffer.isBuffer(read.requestSerialize(new streamsPb.ReadReq()))).toBe(true)
  })

  it('still have the setters that our requests are made with', () => {
    const { Options } = streamsPb.ReadReq
    const missing = (prototype: object, ...setters: string[]) =>
      setters.filter((name) => typeof (prototype as Record<string, unknown>)[name] !== 'function')
    const absent = [
      missing(streamsPb.ReadReq.prototype, 'setOptions'),
      missing(Options.prototype, 'setUuidOption', 'setResolveLinks', 'setAll', 'setStream', 'setReadDirection'),
      missing(Options.prototype, 'setCount', 'setNoFilter', 'setFilter', 'setSubscription'),
      missing(Options.UUIDOption.prototype, 'setString'),
      missing(Options.AllOptions.prototype, 'setStart', 'setEnd', 'setPosition'),
      missing(Options.Position.prototype, 'setCommitPosition', 'setPreparePosition'),
      missing(Options.StreamOptions.prototype, 'setStreamIdentifier', 'setStart', 'setEnd', 'setRevision'),
      missing(Options.FilterOptions.prototype, 'setEventType', 'setMax', 'setCheckpointintervalmultiplier'),
      missing(Options.FilterOptions.Expression.prototype, 'setPrefixList'),
      missing(sharedPb.StreamIdentifier.prototype, 'setStreamName'),
    ]
    expect(absent.flat()).toEqual([])
  })
})
