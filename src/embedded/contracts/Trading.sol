// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.30;

import "./Delegating.sol";
import "./Filling.sol";
import "./Positions.sol";

/// What traders call. Names, types, errors and events are those of the contract that the service builds calldata for.
contract Trading is Delegating, Filling {
    using Positions for Trade;

    event MarketOpenOrderInitiated(uint256 indexed orderId, address indexed trader, uint16 indexed pairIndex);
    event MarketCloseOrderInitiatedV2(
        uint256 indexed orderId,
        uint256 indexed tradeId,
        address indexed trader,
        uint16 pairIndex,
        uint16 closePercentage
    );
    event OpenLimitPlaced(address indexed trader, uint16 indexed pairIndex, uint8 index);
    event OpenLimitUpdated(
        address indexed trader,
        uint16 indexed pairIndex,
        uint8 index,
        uint192 newPrice,
        uint192 newTp,
        uint192 newSl
    );
    event OpenLimitCanceled(address indexed trader, uint16 indexed pairIndex, uint8 index);
    event TpUpdated(
        uint256 indexed tradeId,
        address indexed trader,
        uint16 indexed pairIndex,
        uint8 index,
        uint192 newTp
    );
    event SlUpdated(
        uint256 indexed tradeId,
        address indexed trader,
        uint16 indexed pairIndex,
        uint8 index,
        uint192 newSl
    );
    event TopUpCollateralExecuted(
        uint256 indexed tradeId,
        address indexed trader,
        uint16 indexed pairIndex,
        uint256 topUpAmount,
        uint32 newLeverage
    );
    event RemoveCollateralInitiated(
        uint256 indexed tradeId,
        uint256 indexed orderId,
        address indexed trader,
        uint16 pairIndex,
        uint256 removeAmount
    );
    event MarketOpenTimeoutExecuted(uint256 indexed orderId, address indexed trader);
    event MarketCloseTimeoutExecuted(uint256 indexed orderId, uint256 indexed tradeId, address indexed trader);
    event Paused(bool isPaused);
    event Done(bool isDone);

    error WrongParams();
    error WrongLeverage(uint32 leverage);
    error WrongTP();
    error WrongSL();
    error PairNotListed(uint16 pairIndex);
    error BelowMinLevPos();
    error BelowFees();
    error AboveMaxAllowedCollateral();
    error ExposureLimits();
    error MaxTradesPerPairReached(address trader, uint16 pairIndex);
    error MaxPendingMarketOrdersReached(address trader);
    error NoTradeFound(address trader, uint16 pairIndex, uint8 index);
    error NoLimitFound(address trader, uint16 pairIndex, uint8 index);
    error AlreadyMarketClosed(address trader, uint16 pairIndex, uint8 index);
    error TriggerPending(address trader, uint16 pairIndex, uint8 index);
    error NoTradeToTimeoutFound(uint256 orderId);
    error NotYourOrder(uint256 orderId, address trader);
    error NotOpenMarketTimeoutOrder(uint256 orderId);
    error NotCloseMarketTimeoutOrder(uint256 orderId);
    error WaitTimeout(uint256 orderId);
    error IsPaused();
    error IsDone();

    uint16 private constant PAIRS = 12;
    uint256 private constant PLACES_PER_PAIR = 3;
    uint256 private constant PENDING_MAX = 5;
    uint256 private constant COLLATERAL_MIN = 5e6;
    uint256 private constant COLLATERAL_MAX = 1e12;
    uint32 private constant LEVERAGE_MIN = 100;
    uint32 private constant LEVERAGE_MAX = 10000;
    uint32 private constant BUILDER_FEE_MAX = 500000;
    /// Blocks.
    uint16 public constant marketOrdersTimeout = 30;

    bool public isPaused;
    bool public isDone;

    constructor(TradingStorage storedAt, address priceKeeper) Filling(storedAt, priceKeeper) {}

    modifier notDone() {
        if (isDone) revert IsDone();
        _;
    }

    /// No new trades, or nothing at all any more, until it is called again. Of whoever brings the prices.
    function pause() external onlyKeeper {
        isPaused = !isPaused;
        emit Paused(isPaused);
    }

    function done() external onlyKeeper {
        isDone = !isDone;
        emit Done(isDone);
    }

    function openTrade(Trade calldata t, BuilderFee calldata bf, OrderType orderType, uint256 slippageP)
        external
        notDone
    {
        address trader = _trader();
        if (isPaused) revert IsPaused();
        if (t.pairIndex >= PAIRS) revert PairNotListed(t.pairIndex);
        // The real one gives no reason either.
        if (t.trader != trader) revert();
        bool isMarket = orderType == OrderType.Market;
        if (isMarket ? !_isSlippage(slippageP) : slippageP != 0) revert WrongParams();
        if (bf.builder != address(0) && bf.builderFee > BUILDER_FEE_MAX) revert WrongParams();
        _checkOpening(t);
        if (isMarket) _checkPending(trader);
        records.takeCollateral(trader, t.collateral);
        if (!isMarket) return _placeLimit(t, orderType);
        uint256 orderId = _wait(Purpose.Open, t.openPrice, uint32(slippageP), 0, t);
        emit MarketOpenOrderInitiated(orderId, trader, t.pairIndex);
    }

    function closeTradeMarket(
        uint16 pairIndex,
        uint8 index,
        uint16 closePercentage,
        uint192 marketPrice,
        uint32 slippageP
    ) external notDone {
        _close(_tradeOf(_trader(), pairIndex, index), closePercentage, marketPrice, slippageP);
    }

    function cancelOpenLimitOrder(uint16 pairIndex, uint8 index) external notDone {
        OpenLimitOrder memory order = _limitOf(_trader(), pairIndex, index);
        records.removeLimit(records.placeOf(order.trader, pairIndex, index));
        records.releaseCollateral(order.trader, order.collateral, order.collateral);
        emit OpenLimitCanceled(order.trader, pairIndex, index);
    }

    function updateOpenLimitOrder(uint16 pairIndex, uint8 index, uint192 price, uint192 tp, uint192 sl)
        external
        notDone
    {
        if (price == 0) revert WrongParams();
        OpenLimitOrder memory order = _limitOf(_trader(), pairIndex, index);
        _checkSides(order.buy, price, tp, sl);
        (order.targetPrice, order.tp, order.sl) = (price, tp, sl);
        order.lastUpdated = uint32(block.timestamp);
        records.changeLimit(order);
        emit OpenLimitUpdated(order.trader, pairIndex, index, price, tp, sl);
    }

    function updateTp(uint16 pairIndex, uint8 index, uint192 newTp) external notDone {
        Trade memory trade = _freeTradeOf(_trader(), pairIndex, index);
        if (trade.isTpTooFar(newTp)) revert WrongTP();
        trade.tp = newTp;
        trade.fitLevels();
        records.changeTrade(trade);
        emit TpUpdated(_idOf(trade), trade.trader, pairIndex, index, newTp);
    }

    function updateSl(uint16 pairIndex, uint8 index, uint192 newSl) external notDone {
        Trade memory trade = _freeTradeOf(_trader(), pairIndex, index);
        if (trade.isSlTooFar(newSl)) revert WrongSL();
        trade.sl = newSl;
        records.changeTrade(trade);
        emit SlUpdated(_idOf(trade), trade.trader, pairIndex, index, newSl);
    }

    /// The size stays, so that leverage falls; it has hundredths only, and no more is taken than they need.
    function topUpCollateral(uint16 pairIndex, uint8 index, uint256 topUpAmount) external notDone {
        if (topUpAmount == 0) revert WrongParams();
        Trade memory trade = _freeTradeOf(_trader(), pairIndex, index);
        uint256 size = trade.sizeOf();
        uint256 collateral = trade.collateral + topUpAmount;
        uint256 leverage = (size + collateral - 1) / collateral;
        if (leverage < LEVERAGE_MIN) revert WrongLeverage(uint32(leverage));
        collateral = size / leverage;
        if (collateral <= trade.collateral) revert WrongParams();
        uint256 taken = collateral - trade.collateral;
        if (collateral > COLLATERAL_MAX) revert AboveMaxAllowedCollateral();
        _checkExposure(taken);
        (trade.collateral, trade.leverage) = (collateral, uint32(leverage));
        records.takeCollateral(trade.trader, taken);
        records.changeTrade(trade);
        emit TopUpCollateralExecuted(_idOf(trade), trade.trader, pairIndex, taken, trade.leverage);
    }

    function removeCollateral(uint16 pairIndex, uint8 index, uint256 removeAmount) external notDone {
        Trade memory trade = _freeTradeOf(_trader(), pairIndex, index);
        if (removeAmount == 0 || removeAmount >= trade.collateral) revert WrongParams();
        uint256 leverage = trade.sizeOf() / (trade.collateral - removeAmount);
        if (leverage <= trade.leverage || leverage > LEVERAGE_MAX) revert WrongLeverage(uint32(leverage));
        uint256 removed = trade.collateral - trade.sizeOf() / leverage;
        if (trade.collateral - removed < COLLATERAL_MIN) revert BelowMinLevPos();
        _checkPending(trade.trader);
        uint256 tradeId = _idOf(trade);
        trade.collateral = removed;
        uint256 orderId = _wait(Purpose.Remove, 0, 0, 0, trade);
        emit RemoveCollateralInitiated(tradeId, orderId, trade.trader, pairIndex, removed);
    }

    function openTradeMarketTimeout(uint256 order) external notDone {
        PendingOrder memory waiting = _ownOrder(order);
        if (waiting.purpose != Purpose.Open) revert NotOpenMarketTimeoutOrder(order);
        _checkTimeout(order, waiting);
        _refund(order, waiting.trade);
        emit MarketOpenTimeoutExecuted(order, waiting.trade.trader);
    }

    function closeTradeMarketTimeout(uint256 order, bool retry) external notDone {
        PendingOrder memory waiting = _ownOrder(order);
        if (waiting.purpose != Purpose.Close) revert NotCloseMarketTimeoutOrder(order);
        _checkTimeout(order, waiting);
        Trade memory trade = waiting.trade;
        records.removePending(order);
        emit MarketCloseTimeoutExecuted(order, _idOf(trade), trade.trader);
        if (!retry) return;
        trade = _tradeOf(trade.trader, trade.pairIndex, trade.index);
        _close(trade, waiting.percentage, waiting.wantedPrice, waiting.slippageP);
    }

    function _close(Trade memory trade, uint16 percentage, uint192 price, uint32 slippageP) private {
        if (percentage > Positions.HUNDRED_PERCENT || price == 0 || !_isSlippage(slippageP)) revert WrongParams();
        if (percentage == 0) percentage = uint16(Positions.HUNDRED_PERCENT);
        _checkFree(trade);
        _checkPending(trade.trader);
        uint256 orderId = _wait(Purpose.Close, price, slippageP, percentage, trade);
        emit MarketCloseOrderInitiatedV2(orderId, _idOf(trade), trade.trader, trade.pairIndex, percentage);
    }

    function _placeLimit(Trade calldata t, OrderType orderType) private {
        uint8 index = records.freeLimitIndex(t.trader, t.pairIndex);
        uint32 now_ = uint32(block.timestamp);
        records.addLimit(
            OpenLimitOrder({
                collateral: t.collateral,
                targetPrice: t.openPrice,
                tp: t.tp,
                sl: t.sl,
                trader: t.trader,
                leverage: t.leverage,
                createdAt: now_,
                lastUpdated: now_,
                pairIndex: t.pairIndex,
                orderType: orderType,
                index: index,
                buy: t.buy
            })
        );
        emit OpenLimitPlaced(t.trader, t.pairIndex, index);
    }

    function _wait(Purpose purpose, uint192 price, uint32 slippageP, uint16 percentage, Trade memory trade)
        private
        returns (uint256)
    {
        return records.addPending(
            PendingOrder({
                purpose: purpose,
                blockNumber: uint64(block.number),
                wantedPrice: price,
                slippageP: slippageP,
                percentage: percentage,
                trade: trade
            })
        );
    }

    function _isSlippage(uint256 slippageP) private pure returns (bool) {
        return slippageP > 0 && slippageP < Positions.HUNDRED_PERCENT;
    }

    function _checkOpening(Trade calldata t) private view {
        if (t.openPrice == 0) revert WrongParams();
        if (t.leverage < LEVERAGE_MIN || t.leverage > LEVERAGE_MAX) revert WrongLeverage(t.leverage);
        if (t.collateral < COLLATERAL_MIN) revert BelowMinLevPos();
        if (t.collateral > COLLATERAL_MAX) revert AboveMaxAllowedCollateral();
        _checkSides(t.buy, t.openPrice, t.tp, t.sl);
        if (records.placesTaken(t.trader, t.pairIndex) >= PLACES_PER_PAIR) {
            revert MaxTradesPerPairReached(t.trader, t.pairIndex);
        }
        _checkExposure(t.collateral);
    }

    /// A level that is set lies on its side of the price: a long position wins above it and loses below.
    function _checkSides(bool buy, uint192 price, uint192 tp, uint192 sl) private pure {
        if (tp != 0 && (buy ? tp <= price : tp >= price)) revert WrongTP();
        if (sl != 0 && (buy ? sl >= price : sl <= price)) revert WrongSL();
    }

    /// Whatever traders win, the vault can pay it.
    function _checkExposure(uint256 added) private view {
        if ((records.held() + added) * Positions.MAX_GAIN_P / 100 > records.vault()) revert ExposureLimits();
    }

    function _checkPending(address trader) private view {
        if (records.pendingCount(trader) >= PENDING_MAX) revert MaxPendingMarketOrdersReached(trader);
    }

    function _checkFree(Trade memory trade) private view {
        uint256 orderId = records.closingAt(records.placeOf(trade.trader, trade.pairIndex, trade.index));
        if (orderId == 0) return;
        bool closes = records.pendingOrder(orderId).purpose == Purpose.Close;
        if (closes) revert AlreadyMarketClosed(trade.trader, trade.pairIndex, trade.index);
        revert TriggerPending(trade.trader, trade.pairIndex, trade.index);
    }

    function _checkTimeout(uint256 order, PendingOrder memory waiting) private view {
        if (block.number < waiting.blockNumber + marketOrdersTimeout) revert WaitTimeout(order);
    }

    function _ownOrder(uint256 order) private view returns (PendingOrder memory waiting) {
        waiting = records.pendingOrder(order);
        if (waiting.trade.trader == address(0)) revert NoTradeToTimeoutFound(order);
        if (waiting.trade.trader != _trader()) revert NotYourOrder(order, waiting.trade.trader);
    }

    function _tradeOf(address trader, uint16 pairIndex, uint8 index) private view returns (Trade memory trade) {
        trade = records.getOpenTrade(trader, pairIndex, index);
        if (trade.leverage == 0) revert NoTradeFound(trader, pairIndex, index);
    }

    /// A trade that no order waits to close or reduce.
    function _freeTradeOf(address trader, uint16 pairIndex, uint8 index) private view returns (Trade memory trade) {
        trade = _tradeOf(trader, pairIndex, index);
        _checkFree(trade);
    }

    function _limitOf(address trader, uint16 pairIndex, uint8 index) private view returns (OpenLimitOrder memory) {
        if (!records.hasOpenLimitOrder(trader, pairIndex, index)) revert NoLimitFound(trader, pairIndex, index);
        return records.getOpenLimitOrder(trader, pairIndex, index);
    }
}
