/** What a single insecure node answers about itself: gossip with one member, statistics, operations, users. */
import { randomUUID } from 'node:crypto'
import gossipPb from '@eventstore/db-client/generated/gossip_pb.js'
import type { StatsReq, StatsResp } from '@eventstore/db-client/generated/monitoring_pb.js'
import monitoringPb from '@eventstore/db-client/generated/monitoring_pb.js'
import type { StopScavengeReq } from '@eventstore/db-client/generated/operations_pb.js'
import operationsPb from '@eventstore/db-client/generated/operations_pb.js'
import sharedPb from '@eventstore/db-client/generated/shared_pb.js'
import { type ServerWritableStream, status, type UntypedServiceImplementation } from '@grpc/grpc-js'
import type { Check } from '../access.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { parseUuid } from '../protocol/uuid.ts'
import type { EventStore } from '../storage/store.ts'
import { SERVER_VERSION } from './server-features.ts'
import { streamed, unary } from './unary.ts'

const TICKS_PER_MS = 10_000n

/** One member, the leader, under the address that the client reached it at. */
export function gossipService(address: () => { host: string; port: number }): UntypedServiceImplementation {
  const instance = parseUuid(randomUUID())
  return {
    read: unary(() => {
      const id = new sharedPb.UUID()
      const structured = new sharedPb.UUID.Structured()
      structured.setMostSignificantBits(String(instance.readBigInt64BE(0)))
      structured.setLeastSignificantBits(String(instance.readBigInt64BE(8)))
      id.setStructured(structured)
      const endPoint = new gossipPb.EndPoint()
      endPoint.setAddress(address().host)
      endPoint.setPort(address().port)
      const member = new gossipPb.MemberInfo()
      member.setInstanceId(id)
      member.setTimeStamp(String(BigInt(Date.now()) * TICKS_PER_MS))
      member.setState(gossipPb.MemberInfo.VNodeState.LEADER)
      member.setIsAlive(true)
      member.setHttpEndPoint(endPoint)
      const answer = new gossipPb.ClusterInfo()
      answer.setMembersList([member])
      return answer
    }),
  } as UntypedServiceImplementation
}

/** The node's figures under the names that EventStoreDB uses where it has the same one. */
export function statistics(store: EventStore): Record<string, string> {
  const counts = store.counts()
  const memory = process.memoryUsage()
  return {
    'proc-id': String(process.pid),
    'proc-mem': String(memory.rss),
    'proc-startTime': new Date(Date.now() - process.uptime() * 1000).toISOString(),
    'es-version': SERVER_VERSION,
    'es-writer-lastFlushSize': String(store.writer.lastGroup.bytes),
    'es-writer-lastFlushDelayMs': String(store.writer.lastGroup.durationMs),
    'es-writer-queuedFlushMessages': String(store.writer.queueLength()),
    'es-events': String(counts.events),
    'es-streams': String(counts.streams),
    'es-writerCheckpoint': String(counts.endPosition),
  }
}

const DEFAULT_REFRESH_MS = 10_000

export function monitoringService(store: EventStore): UntypedServiceImplementation {
  return {
    stats: (call: ServerWritableStream<StatsReq, StatsResp>) => {
      const send = () => {
        const answer = new monitoringPb.StatsResp()
        for (const [key, value] of Object.entries(statistics(store))) answer.getStatsMap().set(key, value)
        call.write(answer)
      }
      const period = Number(call.request.getRefreshTimePeriodInMs()) || DEFAULT_REFRESH_MS
      const timer = setInterval(send, Math.max(100, period))
      timer.unref()
      call.on('cancelled', () => clearInterval(timer))
      call.on('close', () => clearInterval(timer))
      send()
    },
  } as UntypedServiceImplementation
}

export type Operations = {
  shutdown: () => void
  /** Of a guarded node: it ends for those alone who name the credential. */
  isGood: Check | undefined
  restartSubscriptions: () => Promise<void>
  store: EventStore
}

function scavengeAnswer(id: string, result: operationsPb.ScavengeResp.ScavengeResult): operationsPb.ScavengeResp {
  const answer = new operationsPb.ScavengeResp()
  answer.setScavengeId(id)
  answer.setScavengeResult(result)
  return answer
}

function scavengeNotFound(id: string): ProtocolError {
  const trailers = { exception: 'scavenge-not-found', 'scavenge-id': id.replace(/[^\x20-\x7e]/g, '?') }
  return new ProtocolError(status.NOT_FOUND, `Scavenge ${id} is not running.`, trailers)
}

/** A single node has nobody to resign to; priorities and resignation are accepted and change nothing. */
export function operationsService(operations: Operations): UntypedServiceImplementation {
  const { care } = operations.store
  const accepted = () => new sharedPb.Empty()
  return {
    startScavenge: unary(() => {
      const { STARTED, INPROGRESS } = operationsPb.ScavengeResp.ScavengeResult
      const runs = care.health().scavenge?.state === 'running'
      return scavengeAnswer(care.startScavenge().report.id, runs ? INPROGRESS : STARTED)
    }),
    stopScavenge: unary(async (request: StopScavengeReq) => {
      const id = request.getOptions()?.getScavengeId() ?? ''
      const scavenge = care.health().scavenge
      if (scavenge?.state !== 'running' || scavenge.id !== id) throw scavengeNotFound(id)
      await care.startScavenge().stop()
      return scavengeAnswer(id, operationsPb.ScavengeResp.ScavengeResult.STOPPED)
    }),
    shutdown: unary((_request, _deadline, metadata) => {
      const sent = metadata.get('authorization')[0]?.toString()
      if (operations.isGood?.(sent) === false) throw new ProtocolError(status.PERMISSION_DENIED, 'Access Denied')
      setImmediate(operations.shutdown)
      return new sharedPb.Empty()
    }),
    mergeIndexes: unary(async () => {
      await operations.store.flushIndex()
      return new sharedPb.Empty()
    }),
    resignNode: unary(accepted),
    setNodePriority: unary(accepted),
    restartPersistentSubscriptions: unary(async () => {
      await operations.restartSubscriptions()
      return new sharedPb.Empty()
    }),
  } as UntypedServiceImplementation
}

type NamesLogin = { getOptions: () => { getLoginName: () => string } | undefined }

/** An insecure node has no users: each login name is unknown, and none can be created. */
export function usersService(): UntypedServiceImplementation {
  const notFound = (request: NamesLogin) => {
    const login = request.getOptions()?.getLoginName() ?? ''
    const trailers = { exception: 'user-not-found', 'login-name': login.replace(/[^\x20-\x7e]/g, '?') }
    throw new ProtocolError(status.NOT_FOUND, `User '${login}' is not found.`, trailers)
  }
  const unknown = unary(notFound)
  return {
    create: unary(() => {
      throw new ProtocolError(status.UNIMPLEMENTED, 'an insecure node has no users')
    }),
    update: unknown,
    delete: unknown,
    disable: unknown,
    enable: unknown,
    details: streamed(notFound),
    changePassword: unknown,
    resetPassword: unknown,
  } as UntypedServiceImplementation
}
