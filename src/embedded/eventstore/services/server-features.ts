/** ServerFeatures: the methods that the node answers, from which the client chooses batched appends and gRPC calls. */

import type { SupportedMethods } from '@eventstore/db-client/generated/serverfeatures_pb.js'
import serverFeaturesPb from '@eventstore/db-client/generated/serverfeatures_pb.js'
import type { ServerUnaryCall, ServiceDefinition, sendUnaryData, UntypedServiceImplementation } from '@grpc/grpc-js'

/** The version of EventStoreDB whose behaviour this node shows. */
export const SERVER_VERSION = '23.10.0'

/** Persistent subscriptions work on streams and on $all; the client asks for both by these names. */
const PERSISTENT_FEATURES: Record<string, string[]> = {
  create: ['stream', 'all'],
  update: ['stream', 'all'],
  delete: ['stream', 'all'],
  read: ['stream', 'all'],
  getinfo: ['stream', 'all'],
  list: ['stream', 'all'],
  replayparked: ['stream', 'all'],
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
          if (service.endsWith('.PersistentSubscriptions')) {
            entry.setFeaturesList(PERSISTENT_FEATURES[method.toLowerCase()] ?? [])
          }
          answer.addMethods(entry)
        }
      }
      callback(null, answer)
    },
  } as UntypedServiceImplementation
}
