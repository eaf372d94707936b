// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.30;

import "./Orders.sol";
import "./Positions.sol";
import "./TradingStorage.sol";

/// What happens when prices come. The keeper asks what is due at its prices, and has it done in one transaction. Everything is
/// checked again when it is done: what has gone in the meantime, or is not due any more, is passed over.
abstract contract Filling {
    using Positions for Trade;
    using Positions for OpenLimitOrder;
    using Positions for PendingOrder;

    enum Kind {
        Pending,
        Limit,
        Position
    }

    /// `id` is an order's number, or the place of a limit order or a trade.
    struct Task {
        Kind kind;
        uint256 id;
    }

    enum CloseReason {
        Market,
        TakeProfit,
        StopLoss,
        Liquidation
    }

    enum CancelReason {
        Slippage,
        LevelReached
    }

    event MarketOpenExecuted(uint256 indexed orderId, uint256 indexed tradeId, Trade trade);
    event MarketOpenCanceled(uint256 indexed orderId, address indexed trader, CancelReason reason);
    event MarketCloseExecuted(
        uint256 indexed orderId,
        uint256 indexed tradeId,
        address indexed trader,
        uint192 price,
        uint256 collateral,
        uint256 payout
    );
    event MarketCloseCanceled(uint256 indexed orderId, uint256 indexed tradeId, address indexed trader);
    event LimitOpenExecuted(uint256 indexed tradeId, uint8 limitIndex, Trade trade);
    event LimitOpenCanceled(address indexed trader, uint16 indexed pairIndex, uint8 index);
    event LimitCloseExecuted(
        uint256 indexed tradeId,
        address indexed trader,
        CloseReason reason,
        uint192 price,
        uint256 payout
    );
    event RemoveCollateralExecuted(
        uint256 indexed orderId,
        uint256 indexed tradeId,
        address indexed trader,
        uint256 removed,
        uint32 newLeverage
    );
    event RemoveCollateralRejected(uint256 indexed orderId, uint256 indexed tradeId, address indexed trader);

    error NotKeeper();

    TradingStorage public immutable records;
    address public immutable keeper;

    constructor(TradingStorage storedAt, address priceKeeper) {
        records = storedAt;
        keeper = priceKeeper;
    }

    modifier onlyKeeper() {
        if (msg.sender != keeper) revert NotKeeper();
        _;
    }

    /// What is to be done at these prices, by pair index, 0: none. At most `limit` tasks. `oldestWaiting` is the block of the
    /// oldest order that waits for a price which is not there; 0: there is none.
    function due(uint192[] calldata prices, uint256 limit)
        external
        view
        returns (Task[] memory tasks, uint256 oldestWaiting)
    {
        Task[] memory found = new Task[](limit);
        uint256 count;
        uint256[] memory ids = records.pendingIdsAll();
        for (uint256 i; i < ids.length; i++) {
            PendingOrder memory order = records.pendingOrder(ids[i]);
            if (_priceOf(prices, order.trade.pairIndex) != 0) {
                if (count < limit) found[count++] = Task(Kind.Pending, ids[i]);
            } else if (oldestWaiting == 0 || order.blockNumber < oldestWaiting) {
                oldestWaiting = order.blockNumber;
            }
        }
        ids = records.limitPlacesAll();
        for (uint256 i; i < ids.length && count < limit; i++) {
            OpenLimitOrder memory order = records.limitAt(ids[i]);
            uint192 price = _priceOf(prices, order.pairIndex);
            if (price != 0 && order.crosses(price)) found[count++] = Task(Kind.Limit, ids[i]);
        }
        ids = records.tradePlacesAll();
        for (uint256 i; i < ids.length && count < limit; i++) {
            Trade memory trade = records.tradeAt(ids[i]);
            uint192 price = _priceOf(prices, trade.pairIndex);
            if (price != 0 && _isOver(ids[i], trade, price)) found[count++] = Task(Kind.Position, ids[i]);
        }
        tasks = new Task[](count);
        for (uint256 i; i < count; i++) tasks[i] = found[i];
    }

    function settle(Task[] calldata tasks, uint192[] calldata prices) external onlyKeeper {
        for (uint256 i; i < tasks.length; i++) {
            if (tasks[i].kind == Kind.Pending) _settlePending(tasks[i].id, prices);
            else if (tasks[i].kind == Kind.Limit) _settleLimit(tasks[i].id, prices);
            else _settlePosition(tasks[i].id, prices);
        }
    }

    function _priceOf(uint192[] calldata prices, uint16 pairIndex) private pure returns (uint192) {
        return pairIndex < prices.length ? prices[pairIndex] : 0;
    }

    /// A trade that an order waits to close or reduce is left to that order.
    function _isOver(uint256 place, Trade memory trade, uint192 price) private view returns (bool) {
        if (records.closingAt(place) != 0) return false;
        return trade.isLiquidatedAt(price) || trade.reachesTp(price) || trade.reachesSl(price);
    }

    function _settlePending(uint256 orderId, uint192[] calldata prices) private {
        PendingOrder memory order = records.pendingOrder(orderId);
        uint192 price = _priceOf(prices, order.trade.pairIndex);
        if (order.trade.trader == address(0) || price == 0) return;
        if (order.purpose == Purpose.Open) _fillOpen(orderId, order, price);
        else if (order.purpose == Purpose.Close) _fillClose(orderId, order, price);
        else _fillRemoval(orderId, order, price);
    }

    function _fillOpen(uint256 orderId, PendingOrder memory order, uint192 price) private {
        Trade memory trade = order.trade;
        bool slips = order.slips(trade.buy, price);
        if (slips || trade.reachesTp(price) || trade.reachesSl(price)) {
            _refund(orderId, trade);
            emit MarketOpenCanceled(orderId, trade.trader, slips ? CancelReason.Slippage : CancelReason.LevelReached);
            return;
        }
        records.removePending(orderId);
        uint256 tradeId = _begin(trade, price);
        emit MarketOpenExecuted(orderId, tradeId, trade);
    }

    function _fillClose(uint256 orderId, PendingOrder memory order, uint192 price) private {
        Trade memory trade = records.getOpenTrade(order.trade.trader, order.trade.pairIndex, order.trade.index);
        uint256 tradeId = _idOf(trade);
        records.removePending(orderId);
        if (order.slips(!trade.buy, price)) {
            emit MarketCloseCanceled(orderId, tradeId, trade.trader);
            return;
        }
        uint256 part = trade.collateral * order.percentage / Positions.HUNDRED_PERCENT;
        uint256 payout = trade.payoutOf(part, price);
        _reduce(trade, part, payout);
        emit MarketCloseExecuted(orderId, tradeId, trade.trader, price, part, payout);
    }

    /// Not where the position would be lost already with the smaller collateral, or nearly.
    function _fillRemoval(uint256 orderId, PendingOrder memory order, uint192 price) private {
        Trade memory trade = records.getOpenTrade(order.trade.trader, order.trade.pairIndex, order.trade.index);
        uint256 removed = order.trade.collateral;
        uint256 left = trade.collateral - removed;
        uint256 tradeId = _idOf(trade);
        records.removePending(orderId);
        if (trade.gainOf(price) <= -int256(left * Positions.MAX_SL_P / 100)) {
            emit RemoveCollateralRejected(orderId, tradeId, trade.trader);
            return;
        }
        trade.leverage = uint32(trade.sizeOf() / left);
        trade.collateral = left;
        trade.fitLevels();
        records.changeTrade(trade);
        records.releaseCollateral(trade.trader, removed, removed);
        emit RemoveCollateralExecuted(orderId, tradeId, trade.trader, removed, trade.leverage);
    }

    function _settleLimit(uint256 place, uint192[] calldata prices) private {
        OpenLimitOrder memory order = records.limitAt(place);
        uint192 price = _priceOf(prices, order.pairIndex);
        if (order.trader == address(0) || price == 0 || !order.crosses(price)) return;
        Trade memory trade = Trade({
            collateral: order.collateral,
            openPrice: 0,
            tp: order.tp,
            sl: order.sl,
            trader: order.trader,
            leverage: order.leverage,
            pairIndex: order.pairIndex,
            index: 0,
            buy: order.buy
        });
        records.removeLimit(place);
        if (trade.reachesTp(price) || trade.reachesSl(price)) {
            records.releaseCollateral(order.trader, order.collateral, order.collateral);
            emit LimitOpenCanceled(order.trader, order.pairIndex, order.index);
            return;
        }
        uint256 tradeId = _begin(trade, price);
        emit LimitOpenExecuted(tradeId, order.index, trade);
    }

    function _settlePosition(uint256 place, uint192[] calldata prices) private {
        Trade memory trade = records.tradeAt(place);
        uint192 price = _priceOf(prices, trade.pairIndex);
        if (trade.leverage == 0 || price == 0 || !_isOver(place, trade, price)) return;
        CloseReason reason = CloseReason.StopLoss;
        if (trade.isLiquidatedAt(price)) reason = CloseReason.Liquidation;
        else if (trade.reachesTp(price)) reason = CloseReason.TakeProfit;
        uint256 payout = reason == CloseReason.Liquidation ? 0 : trade.payoutOf(trade.collateral, price);
        uint256 tradeId = _idOf(trade);
        _reduce(trade, trade.collateral, payout);
        emit LimitCloseExecuted(tradeId, trade.trader, reason, price, payout);
    }

    function _begin(Trade memory trade, uint192 price) private returns (uint256) {
        trade.openPrice = price;
        trade.index = records.freeTradeIndex(trade.trader, trade.pairIndex);
        trade.fitLevels();
        return records.addTrade(trade);
    }

    function _reduce(Trade memory trade, uint256 part, uint256 payout) private {
        if (part == trade.collateral) {
            records.removeTrade(records.placeOf(trade.trader, trade.pairIndex, trade.index));
        } else {
            trade.collateral -= part;
            records.changeTrade(trade);
        }
        records.releaseCollateral(trade.trader, part, payout);
    }

    /// The collateral of an order that opens nothing goes back.
    function _refund(uint256 orderId, Trade memory trade) internal {
        records.removePending(orderId);
        records.releaseCollateral(trade.trader, trade.collateral, trade.collateral);
    }

    function _idOf(Trade memory trade) internal view returns (uint256) {
        return records.tradeIdAt(records.placeOf(trade.trader, trade.pairIndex, trade.index));
    }
}
