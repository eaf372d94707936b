/** ServerFeatures: the methods that the node answers, from which the client chooses batched appends and gRPC calls. */

import type { SupportedMethods } from '@eventstore/db-client/generated/serverfeatures_pb.js'
import serverFeaturesPb from '@eventstore/db-client/generated/serverfeatures_pb.js'
import type { ServerUnaryCall, ServiceDefinition, sendUnaryData, UntypedServiceImplementation } from '@grpc/grpc-js'

/** The version of EventStoreDB whose behaviour this node shows. */
export const SERVER_VERSION = '23.10.6'

const PERSISTENT = 'event_store.client.persistent_subscriptions.persistentsubscriptions'

/** What more a method can do than its name says; persistent subscriptions, for one, work on streams and on $all. */
const FEATURES: Record<string, string[]> = {
  'event_store.client.streams.streams/read': ['position', 'events'],
  'event_store.client.streams.streams/batchappend': ['deadline_duration'],
  [`${PERSISTENT}/create`]: ['stream', 'all'],
  [`${PERSISTENT}/update`]: ['stream', 'all'],
  [`${PERSISTENT}/delete`]: ['stream', 'all'],
  [`${PERSISTENT}/read`]: ['stream', 'all'],
  [`${PERSISTENT}/getinfo`]: ['stream', 'all'],
  [`${PERSISTENT}/list`]: ['stream', 'all'],
  [`${PERSISTENT}/replayparked`]: ['stream', 'all'],
  [`${PERSISTENT}/restartsubsystem`]: ['stream', 'all'],
}

/** Reads the methods off the definitions that the server was given, so that the two lists cannot drift apart. */
export function serverFeaturesService(definitions: readonly ServiceDefinition[]): UntypedServiceImplementation {
  return {
    getSupportedMethods: (
      _call: ServerUnaryCall<object, SupportedMethods>,
      callback: sendUnaryData<SupportedMethods>,
    ) => {
      const answer = new serverFeaturesPb.SupportedMethods()
      answer.setEventStoreServerVersion(SERVER_VERSION)
      for (const definition of definitions) {
        for (const { path } of Object.values(definition)) {
          const [, service = '', method = ''] = path.split('/')
          const entry = new serverFeaturesPb.SupportedMethod()
          entry.setServiceName(service.toLowerCase())
          entry.setMethodName(method.toLowerCase())
          entry.setFeaturesList(FEATURES[`${service}/${method}`.toLowerCase()] ?? [])
          answer.addMethods(entry)
        }
      }
      callback(null, answer)
    },
  } as UntypedServiceImplementation
}
