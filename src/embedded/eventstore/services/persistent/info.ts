/** A group's state as the protocol reports it. */

import type { SubscriptionInfo } from '@eventstore/db-client/generated/persistent_pb.js'
import persistentPb from '@eventstore/db-client/generated/persistent_pb.js'
import { type Consumer, latencyFigures } from './consumer.ts'
import type { SubscriptionGroup } from './group.ts'
import { ALL, type SubscriptionConfig } from './settings.ts'

function startFromText({ source, startFrom }: SubscriptionConfig): string {
  const number = startFrom === 'start' ? '0' : startFrom === 'end' ? '-1' : startFrom
  return source === ALL ? `C:${number}/P:${number}` : number
}

function perSecond(count: number, sinceMs: number): number {
  return Math.round(count / Math.max(1, (Date.now() - sinceMs) / 1000))
}

function connectionInfo(consumer: Consumer, extraStatistics: boolean): SubscriptionInfo.ConnectionInfo {
  const info = new persistentPb.SubscriptionInfo.ConnectionInfo()
  info.setFrom(consumer.from)
  info.setUsername('system')
  info.setAverageItemsPerSecond(perSecond(consumer.totalItems, consumer.connectedAtMs))
  info.setTotalItems(String(consumer.totalItems))
  info.setCountSinceLastMeasurement(String(consumer.countSinceLastMeasurement))
  info.setAvailableSlots(consumer.bufferSize - consumer.inFlight.size)
  info.setInFlightMessages(consumer.inFlight.size)
  info.setConnectionName(consumer.connectionName)
  if (extraStatistics) {
    for (const [key, value] of latencyFigures(consumer.latenciesMs)) {
      const measurement = new persistentPb.SubscriptionInfo.Measurement()
      measurement.setKey(key)
      measurement.setValue(String(value))
      info.addObservedMeasurements(measurement)
    }
  }
  consumer.countSinceLastMeasurement = 0
  return info
}

export function subscriptionInfo(group: SubscriptionGroup): SubscriptionInfo {
  const { config } = group
  const { settings } = config
  const counts = group.counts()
  const info = new persistentPb.SubscriptionInfo()
  info.setEventSource(config.source)
  info.setGroupName(config.group)
  info.setStatus(group.status())
  info.setConnectionsList(group.consumers.map((consumer) => connectionInfo(consumer, settings.extraStatistics)))
  info.setAveragePerSecond(perSecond(group.totalItems, group.startedAtMs))
  info.setTotalItems(String(group.totalItems))
  info.setCountSinceLastMeasurement(String(group.countSinceLastMeasurement))
  info.setLastCheckpointedEventPosition(
    group.lastCheckpoint === undefined ? '' : group.source.format(group.lastCheckpoint),
  )
  info.setLastKnownEventPosition(group.lastKnown === undefined ? '' : group.source.format(group.lastKnown))
  info.setResolveLinkTos(settings.resolveLinks)
  info.setStartFrom(startFromText(config))
  info.setMessageTimeoutMilliseconds(settings.messageTimeoutMs)
  info.setExtraStatistics(settings.extraStatistics)
  info.setMaxRetryCount(settings.maxRetryCount)
  info.setLiveBufferSize(settings.liveBufferSize)
  info.setBufferSize(settings.historyBufferSize)
  info.setReadBatchSize(settings.readBatchSize)
  info.setCheckPointAfterMilliseconds(settings.checkpointAfterMs)
  info.setMinCheckPointCount(settings.minCheckpointCount)
  info.setMaxCheckPointCount(settings.maxCheckpointCount)
  info.setReadBufferCount(counts.buffered)
  info.setLiveBufferCount('0')
  info.setRetryBufferCount(counts.retries)
  info.setTotalInFlightMessages(counts.outstanding)
  info.setOutstandingMessagesCount(counts.outstanding)
  info.setNamedConsumerStrategy(settings.strategy)
  info.setMaxSubscriberCount(settings.maxSubscriberCount)
  info.setParkedMessageCount(String(group.bookkeeping.parkedCount()))
  group.countSinceLastMeasurement = 0
  return info
}
