// SPDX-License-Identifier: UNLICENSED
pragma solidity ^0.8.30;

interface DelegatedTrading {
    function delegatedAction(address trader, bytes calldata call) external returns (bytes memory);
}

/// Acts for one trader at one trading contract, by what the key of its owner has signed. Whoever sends that pays the gas.
/// It can do nothing else: a stolen key trades, and moves no token.
contract AgentAccount {
    error Expired(uint48 deadline);
    error NonceUsed(uint256 nonce);
    error BadSignature();

    event Acted(uint256 indexed nonce);

    bytes32 private constant DOMAIN =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant ACT = keccak256("Act(bytes inner,uint256 nonce,uint48 deadline)");
    /// Half of the curve's order. Above it lies the twin of a signature, which signs the same.
    uint256 private constant S_MAX = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    address public immutable owner;
    address public immutable trader;
    address public immutable trading;
    /// In any order, each once.
    mapping(uint256 nonce => bool) public isUsed;

    constructor(address key, address actsFor, address tradesAt) {
        owner = key;
        trader = actsFor;
        trading = tradesAt;
    }

    /// `deadline`: the last second, of the block's clock, at which it may be done. The trading contract's refusal comes out
    /// as it is.
    function act(bytes calldata inner, uint256 nonce, uint48 deadline, bytes calldata signature)
        external
        returns (bytes memory)
    {
        if (block.timestamp > deadline) revert Expired(deadline);
        if (isUsed[nonce]) revert NonceUsed(nonce);
        if (_signer(keccak256(abi.encode(ACT, keccak256(inner), nonce, deadline)), signature) != owner) {
            revert BadSignature();
        }
        isUsed[nonce] = true;
        emit Acted(nonce);
        return DelegatedTrading(trading).delegatedAction(trader, inner);
    }

    function _signer(bytes32 message, bytes calldata signature) private view returns (address signer) {
        if (signature.length != 65) revert BadSignature();
        bytes32 r = bytes32(signature[:32]);
        bytes32 s = bytes32(signature[32:64]);
        if (uint256(s) > S_MAX) revert BadSignature();
        bytes32 domain = keccak256(
            abi.encode(DOMAIN, keccak256("opslog agent"), keccak256("1"), block.chainid, address(this))
        );
        signer = ecrecover(keccak256(abi.encodePacked("\x19\x01", domain, message)), uint8(signature[64]), r, s);
        if (signer == address(0)) revert BadSignature();
    }
}
