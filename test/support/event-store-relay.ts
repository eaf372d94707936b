/**
 * A node in front of an event store, for what a cluster does and a single node never will: it hands reads and appends on,
 * and can drop slow subscribers, be without a quorum, or be a follower that reads from behind.
 */
import { randomUUID } from 'node:crypto'
import gossipGrpc from '@eventstore/db-client/generated/gossip_grpc_pb.js'
import gossipPb from '@eventstore/db-client/generated/gossip_pb.js'
import sharedPb from '@eventstore/db-client/generated/shared_pb.js'
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js'
import streamsPb from '@eventstore/db-client/generated/streams_pb.js'
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerWritableStream,
  type ServiceDefinition,
  type sendUnaryData,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { withRawMessages } from '../../src/embedded/eventstore/protocol/definitions.ts'
import { batchFailure } from './batch-failure.ts'

export interface EventStoreRelay {
  url: string
  port: number
  /** Ends every subscription as EventStoreDB ends those that do not keep up. Answers how many there were. */
  dropSubscribers(): number
  /** Whether appends find a majority of the nodes; reads need none. */
  setQuorum(hasQuorum: boolean): void
  close(): void
}

interface RelayOptions {
  /** `esdb://…`: where reads and appends go. */
  target: string
  /** The leader's port: this node is a follower then, and hands nothing on that needs the leader. */
  leaderPort?: number
}

const { StreamsService } = streamsGrpc
const { VNodeState } = gossipPb.MemberInfo
const same = (bytes: Buffer): Buffer => bytes

const failure = (code: status, details: string, headers: Record<string, string> = {}) => {
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
  return { code, details, metadata }
}

export async function startEventStoreRelay({ target, leaderPort }: RelayOptions): Promise<EventStoreRelay> {
  const client = new Client(new URL(target).host, credentials.createInsecure())
  const subscriptions = new Set<() => void>()
  let hasQuorum = true

  const refusesFollower = (call: { metadata: Metadata; emit(name: 'error', error: object): unknown }): boolean => {
    if (leaderPort === undefined || call.metadata.get('requires-leader')[0] !== 'true') return false
    const leader = { 'leader-endpoint-host': '127.0.0.1', 'leader-endpoint-port': String(leaderPort) }
    call.emit('error', failure(status.NOT_FOUND, 'Leader info available', { exception: 'not-leader', ...leader }))
    return true
  }

  function read(call: ServerWritableStream<Buffer, Buffer>): void {
    if (refusesFollower(call)) return
    const answers = client.makeServerStreamRequest(StreamsService.read.path, same, same, call.request)
    const drop = () => {
      call.emit('error', failure(status.ABORTED, 'Operation was aborted. Details: Consumer too slow'))
      answers.cancel()
    }
    if (streamsPb.ReadReq.deserializeBinary(call.request).getOptions()?.hasSubscription()) subscriptions.add(drop)
    answers.on('data', (answer: Buffer) => {
      if (!call.write(answer)) answers.pause()
    })
    call.on('drain', () => answers.resume())
    answers.on('end', () => call.end())
    answers.on('error', (error: Error) => call.emit('error', error))
    const over = () => {
      subscriptions.delete(drop)
      answers.cancel()
    }
    call.on('cancelled', over)
    call.on('finish', () => subscriptions.delete(drop))
  }

  function batchAppend(call: ServerDuplexStream<Buffer, Buffer>): void {
    if (refusesFollower(call)) return
    const appends = client.makeBidiStreamRequest(StreamsService.batchAppend.path, same, same)
    call.on('data', (request: Buffer) => {
      if (hasQuorum) return void appends.write(request)
      call.write(batchFailure(streamsPb.BatchAppendReq.deserializeBinary(request), 'Timeout', status.DEADLINE_EXCEEDED))
    })
    call.on('end', () => appends.end())
    call.on('cancelled', () => appends.cancel())
    appends.on('data', (answer: Buffer) => call.write(answer))
    appends.on('end', () => call.end())
    appends.on('error', (error: Error) => call.emit('error', error))
  }

  const server = new Server()
  server.addService(
    { read: withRawMessages(StreamsService.read), batchAppend: withRawMessages(StreamsService.batchAppend) },
    { read, batchAppend } as unknown as UntypedServiceImplementation,
  )
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  )
  const members = [memberOf(port, leaderPort === undefined ? VNodeState.LEADER : VNodeState.FOLLOWER)]
  if (leaderPort !== undefined) members.push(memberOf(leaderPort, VNodeState.LEADER))
  const gossip = new gossipPb.ClusterInfo()
  gossip.setMembersList(members)
  const answerGossip = (_: unknown, callback: sendUnaryData<unknown>) => callback(null, gossip)
  const definition = gossipGrpc.GossipService as unknown as ServiceDefinition
  server.addService(definition, { read: answerGossip } as unknown as UntypedServiceImplementation)
  return {
    url: `esdb://127.0.0.1:${port}?tls=false`,
    port,
    dropSubscribers() {
      const dropped = [...subscriptions]
      subscriptions.clear()
      for (const drop of dropped) drop()
      return dropped.length
    },
    setQuorum(given) {
      hasQuorum = given
    },
    close() {
      server.forceShutdown()
      client.close()
    },
  }
}

function memberOf(port: number, state: number) {
  const endPoint = new gossipPb.EndPoint()
  endPoint.setAddress('127.0.0.1')
  endPoint.setPort(port)
  const id = new sharedPb.UUID()
  id.setString(randomUUID())
  const member = new gossipPb.MemberInfo()
  member.setInstanceId(id)
  member.setState(state as never)
  member.setIsAlive(true)
  member.setHttpEndPoint(endPoint)
  return member
}
