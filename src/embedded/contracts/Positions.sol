// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.30;

import "./Orders.sol";

/// The arithmetic of positions. Nothing here reads or writes anything.
library Positions {
    /// Per cent of the collateral.
    uint256 internal constant MAX_GAIN_P = 900;
    uint256 internal constant MAX_SL_P = 85;
    uint256 internal constant LIQUIDATION_P = 90;
    uint256 internal constant HUNDRED_PERCENT = 10000;

    /// Six decimals of dollars, two of leverage.
    function sizeOf(Trade memory trade) internal pure returns (uint256) {
        return trade.collateral * trade.leverage;
    }

    /// What the position has won or lost at a price, in units of its collateral.
    function gainOf(Trade memory trade, uint192 price) internal pure returns (int256) {
        int256 difference = int256(uint256(price)) - int256(uint256(trade.openPrice));
        if (!trade.buy) difference = -difference;
        return int256(sizeOf(trade)) * difference / int256(uint256(trade.openPrice)) / 100;
    }

    /// What a part of the position pays out at a price: nothing at least, the part and 900 % of it at most.
    function payoutOf(Trade memory trade, uint256 part, uint192 price) internal pure returns (uint256) {
        int256 gain = gainOf(trade, price) * int256(part) / int256(trade.collateral);
        int256 gainMax = int256(part * MAX_GAIN_P / 100);
        if (gain > gainMax) gain = gainMax;
        int256 payout = int256(part) + gain;
        return payout > 0 ? uint256(payout) : 0;
    }

    function isLiquidatedAt(Trade memory trade, uint192 price) internal pure returns (bool) {
        return gainOf(trade, price) <= -int256(trade.collateral * LIQUIDATION_P / 100);
    }

    function reachesTp(Trade memory trade, uint192 price) internal pure returns (bool) {
        return trade.tp != 0 && (trade.buy ? price >= trade.tp : price <= trade.tp);
    }

    function reachesSl(Trade memory trade, uint192 price) internal pure returns (bool) {
        return trade.sl != 0 && (trade.buy ? price <= trade.sl : price >= trade.sl);
    }

    /// From the open price to where the position has won or lost so much of its collateral.
    function distance(Trade memory trade, uint256 percent) internal pure returns (uint256) {
        return uint256(trade.openPrice) * percent / trade.leverage;
    }

    /// A short position of low leverage has none, since a price does not fall below zero: 0.
    function farthestTp(Trade memory trade) internal pure returns (uint192) {
        uint256 far = distance(trade, MAX_GAIN_P);
        if (trade.buy) return uint192(trade.openPrice + far);
        return far < trade.openPrice ? uint192(trade.openPrice - far) : 0;
    }

    function farthestSl(Trade memory trade) internal pure returns (uint192) {
        uint256 far = distance(trade, MAX_SL_P);
        if (!trade.buy) return uint192(trade.openPrice + far);
        return far < trade.openPrice ? uint192(trade.openPrice - far) : 0;
    }

    function isTpTooFar(Trade memory trade, uint192 tp) internal pure returns (bool) {
        return tp != 0 && (trade.buy ? tp > farthestTp(trade) : tp < farthestTp(trade));
    }

    function isSlTooFar(Trade memory trade, uint192 sl) internal pure returns (bool) {
        return sl != 0 && (trade.buy ? sl < farthestSl(trade) : sl > farthestSl(trade));
    }

    /// Levels as a position has them: no take-profit is the farthest one, and neither lies too far away.
    function fitLevels(Trade memory trade) internal pure {
        if (trade.tp == 0 || isTpTooFar(trade, trade.tp)) trade.tp = farthestTp(trade);
        if (isSlTooFar(trade, trade.sl)) trade.sl = farthestSl(trade);
    }

    /// Worse than wanted by more than the slippage: higher for who buys, lower for who sells.
    function slips(PendingOrder memory order, bool buys, uint192 price) internal pure returns (bool) {
        uint256 allowed = uint256(order.wantedPrice) * order.slippageP / HUNDRED_PERCENT;
        return buys ? price > order.wantedPrice + allowed : price + allowed < order.wantedPrice;
    }

    /// A limit order waits for a better price than its own, a stop order for a worse one.
    function crosses(OpenLimitOrder memory order, uint192 price) internal pure returns (bool) {
        bool fallsTo = order.buy == (order.orderType == OrderType.Limit);
        return fallsTo ? price <= order.targetPrice : price >= order.targetPrice;
    }
}
