import { EventStoreDBClient, NO_STREAM } from '@eventstore/db-client'
import gossipGrpc from '@eventstore/db-client/generated/gossip_grpc_pb.js'
import monitoringGrpc from '@eventstore/db-client/generated/monitoring_grpc_pb.js'
import monitoringPb from '@eventstore/db-client/generated/monitoring_pb.js'
import operationsGrpc from '@eventstore/db-client/generated/operations_grpc_pb.js'
import operationsPb from '@eventstore/db-client/generated/operations_pb.js'
import serverFeaturesGrpc from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js'
import type { SupportedMethods } from '@eventstore/db-client/generated/serverfeatures_pb.js'
import sharedPb from '@eventstore/db-client/generated/shared_pb.js'
import usersGrpc from '@eventstore/db-client/generated/users_grpc_pb.js'
import usersPb from '@eventstore/db-client/generated/users_pb.js'
import { credentials, Metadata, type ServiceError } from '@grpc/grpc-js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newStream, numbered, startServer, type TestServer } from '../support/node.ts'

let server: TestServer
let address: string
beforeAll(async () => {
  server = await startServer()
  address = new URL(server.url.replace(/^\w+:/, 'http:')).host
})
afterAll(() => server.close())

test('names its version and the calls that it supports, so that the client batches its appends', async () => {
  const features = new serverFeaturesGrpc.ServerFeaturesClient(address, credentials.createInsecure())
  const answer = await new Promise<SupportedMethods>((resolve, reject) =>
    features.getSupportedMethods(new sharedPb.Empty(), (error, methods) => (error ? reject(error) : resolve(methods))),
  )
  features.close()
  expect(answer.getEventStoreServerVersion()).toMatch(/^\d+\.\d+/)
  const methods = answer.getMethodsList().map((method) => `${method.getServiceName()}/${method.getMethodName()}`)
  expect(methods).toContain('event_store.client.streams.streams/batchappend')
  const persistent = answer.getMethodsList().find((method) => method.getMethodName() === 'replayparked')
  expect(persistent!.getFeaturesList()).toEqual(expect.arrayContaining(['stream', 'all']))
})

test('its gossip has one member, the leader, and a client can discover it', async () => {
  const gossip = new gossipGrpc.GossipClient(address, credentials.createInsecure())
  const members = await new Promise<Array<{ state: number; isAlive: boolean }>>((resolve, reject) =>
    gossip.read(new sharedPb.Empty(), (error, info) =>
      error
        ? reject(error)
        : resolve(info.getMembersList().map((each) => ({ state: each.getState(), isAlive: each.getIsAlive() }))),
    ),
  )
  gossip.close()
  expect(members).toEqual([{ state: 8, isAlive: true }])
  const discovering = EventStoreDBClient.connectionString(`esdb+discover://${address}?tls=false`)
  const result = await discovering.appendToStream(newStream(), numbered(1), { expectedRevision: NO_STREAM })
  expect(result.nextExpectedRevision).toBe(0n)
  await discovering.dispose()
})

test('sends its statistics again and again', async () => {
  const monitoring = new monitoringGrpc.MonitoringClient(address, credentials.createInsecure())
  const request = new monitoringPb.StatsReq()
  request.setUseMetadata(false)
  request.setRefreshTimePeriodInMs('100')
  const call = monitoring.stats(request)
  call.on('error', () => call.destroy())
  let seen = 0
  for await (const answer of call) {
    expect(
      Number((answer as InstanceType<typeof monitoringPb.StatsResp>).getStatsMap().get('proc-id')),
    ).toBeGreaterThan(0)
    if (++seen === 2) break
  }
  call.cancel()
  monitoring.close()
})

test('answers operations: none running to stop, and indexes merged', async () => {
  const operations = new operationsGrpc.OperationsClient(address, credentials.createInsecure())
  await new Promise<void>((resolve, reject) =>
    operations.mergeIndexes(new sharedPb.Empty(), (error) => (error ? reject(error) : resolve())),
  )
  const request = new operationsPb.StopScavengeReq()
  const options = new operationsPb.StopScavengeReq.Options()
  options.setScavengeId('none')
  request.setOptions(options)
  const error = await new Promise<ServiceError | null>((resolve) =>
    operations.stopScavenge(request, new Metadata(), (failure) => resolve(failure)),
  )
  expect(error?.metadata.get('exception')).toEqual(['scavenge-not-found'])
  operations.close()
})

test('knows no users', async () => {
  const users = new usersGrpc.UsersClient(address, credentials.createInsecure())
  const request = new usersPb.EnableReq()
  const options = new usersPb.EnableReq.Options()
  options.setLoginName('nobody')
  request.setOptions(options)
  const error = await new Promise<ServiceError | null>((resolve) =>
    users.enable(request, (failure) => resolve(failure)),
  )
  users.close()
  expect(error?.metadata.get('exception')).toEqual(['user-not-found'])
})
